import { Search } from "lucide-react";
import { useEffect, useEffectEvent, useState } from "react";
import { cx } from "@/lib/cx";

/** How long somebody pauses before what was typed is looked for. */
const pause = 200;

/** A field to search with. `onSearch` hears of what was typed once the typing pauses. */
export function SearchField({
  label,
  value,
  onSearch,
  className,
}: {
  label: string;
  value: string;
  onSearch: (value: string) => void;
  className?: string | undefined;
}) {
  const [typed, setTyped] = useState(value);
  const [sent, setSent] = useState(value);
  const [known, setKnown] = useState(value);
  // The address may change by itself, as with the browser's back button.
  if (value !== known) {
    setKnown(value);
    if (value !== sent) {
      setTyped(value);
      setSent(value);
    }
  }
  const send = useEffectEvent(() => {
    if (typed.trim() !== sent) {
      setSent(typed.trim());
      onSearch(typed.trim());
    }
  });
  useEffect(() => {
    const timer = setTimeout(send, pause);
    return () => {
      clearTimeout(timer);
    };
  }, [typed]);
  return (
    <div className={cx("relative", className)}>
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted"
      />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={typed}
        autoComplete="off"
        spellCheck={false}
        className="h-9 w-full rounded-md border border-field bg-surface pr-3 pl-8 text-ink placeholder:text-muted focus-visible:outline-offset-0 pointer-coarse:h-10"
        onChange={(event) => {
          setTyped(event.target.value);
        }}
      />
    </div>
  );
}
