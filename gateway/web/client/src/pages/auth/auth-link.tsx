import { Link, type LinkProps } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** A link within a sentence. */
export function AuthLink(props: LinkProps & { children: ReactNode }) {
  return <Link {...props} className="font-medium text-accent-text underline-offset-4 hover:underline" />;
}
