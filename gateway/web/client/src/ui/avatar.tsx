import { useState } from "react";
import { cx } from "@/lib/cx";

const sizes = { sm: "size-6 text-[11px]", md: "size-8 text-xs", lg: "size-16 text-xl" };

/** A person's picture, or their initials where there is none or it does not load. The name must stand beside it. */
export function Avatar({
  name,
  src,
  size = "md",
}: {
  name: string;
  src: string | null;
  size?: keyof typeof sizes | undefined;
}) {
  const [broken, setBroken] = useState<string | null>(null);
  const shape = cx("shrink-0 rounded-full", sizes[size]);
  if (src !== null && src !== broken) {
    return (
      <img
        src={src}
        alt=""
        referrerPolicy="no-referrer"
        loading="lazy"
        className={cx(shape, "bg-hover object-cover")}
        onError={() => {
          setBroken(src);
        }}
      />
    );
  }
  return (
    <span
      aria-hidden
      className={cx(
        shape,
        "inline-flex items-center justify-center bg-accent-soft font-medium text-accent-text",
      )}
    >
      {initialsOf(name)}
    </span>
  );
}

function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => Array.from(word ?? "")[0] ?? "")
    .join("")
    .toLocaleUpperCase();
}
