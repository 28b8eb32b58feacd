import { isNetworkError } from "@portico/sdk";
import { redirect, type ParsedLocation } from "@tanstack/react-router";
import { portico } from "./portico";

/** Waits until it is known whether somebody is signed in: at the first route of a page's life, by the cookie. */
async function settled() {
  if (portico.session.getState().status === "unknown") {
    try {
      await portico.auth.restore();
    } catch (error) {
      // Without a connection nobody can tell: the shell opens, and shows what it has kept.
      if (!isNetworkError(error)) {
        throw error;
      }
    }
  }
  return portico.session.getState();
}

/** For pages of those who are signed in: others sign in first, and come back. */
export async function signedIn({ location }: { location: ParsedLocation }): Promise<void> {
  const { status } = await settled();
  if (status === "signedOut") {
    throw redirect({ to: "/login", search: location.pathname === "/" ? {} : { redirect: location.href } });
  }
}

/** For pages that only make sense to those who are not signed in. */
export async function signedOut({ search }: { search: { redirect?: string | undefined } }): Promise<void> {
  const { status } = await settled();
  if (status === "signedIn") {
    throw redirect({ href: search.redirect ?? "/dashboard", replace: true });
  }
}

/** A place within this client, from a parameter that anybody may have written: nothing leads elsewhere. */
export function placeWithin(value: unknown): string | undefined {
  if (typeof value !== "string") {
    return undefined;
  }
  try {
    const url = new URL(value, window.location.origin);
    return value.startsWith("/") && url.origin === window.location.origin
      ? url.pathname + url.search + url.hash
      : undefined;
  } catch {
    return undefined;
  }
}
