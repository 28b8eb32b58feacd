import { Search } from "lucide-react";
import { IconButton } from "@/ui/button";
import { Keys } from "@/ui/keys";
import { useCommands } from "./palette/commands";

/** Opens the palette, for those who do not know its keys. */
export function SearchButton({ compact = false }: { compact?: boolean | undefined }) {
  const { openPalette } = useCommands();
  if (compact) {
    return (
      <IconButton label="Search" onClick={openPalette}>
        <Search aria-hidden />
      </IconButton>
    );
  }
  return (
    <button
      type="button"
      aria-label="Search"
      aria-keyshortcuts="Meta+K Control+K"
      className="mb-4 flex h-9 w-full items-center gap-2.5 rounded-md border border-line bg-surface px-2 text-muted transition-colors hover:border-line-strong hover:text-ink"
      onClick={openPalette}
    >
      <Search aria-hidden className="size-4" />
      <span className="flex-1 text-left">Search…</span>
      <span aria-hidden>
        <Keys keys={["mod", "k"]} />
      </span>
    </button>
  );
}
