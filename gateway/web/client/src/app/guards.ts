import { redirect, type ParsedLocation } from "@tanstack/react-router";
import { keptIsShown, restore } from "./offline/keeping";
import { portico } from "./portico";

/** Waits until it is known whether somebody is signed in: at the first route of a page's life, by the cookie. */
async function settled() {
  if (portico.session.getState().status === "unknown") {
    await restore();
  }
  await keptIsShown();
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
  if (typeof value !== "string" || !value.startsWith("/")) {
    return undefined;
  }
  const here = window.location.origin;
  if (!URL.canParse(value, here)) {
    return undefined;
  }
  const url = new URL(value, here);
  const place = url.pathname + url.search + url.hash;
  // What is left of `/..//elsewhere` begins with two slashes, and would lead to another host.
  return url.origin === here && !place.startsWith("//") ? place : undefined;
}
