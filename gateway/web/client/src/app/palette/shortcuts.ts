import { useEffect, useEffectEvent } from "react";

/** What the keyboard does, apart from what every browser does by itself. */
export const shortcuts = [
  { keys: ["mod", "k"], does: "Search and go anywhere" },
  { keys: ["g", "d"], does: "Go to the dashboard", to: "/dashboard" },
  { keys: ["g", "p"], does: "Go to projects", to: "/projects" },
  { keys: ["g", "i"], does: "Go to invitations", to: "/invitations" },
  { keys: ["g", "s"], does: "Go to settings", to: "/settings" },
  { keys: ["n"], does: "New project", to: "/projects?new=1" },
  { keys: ["?"], does: "Show these shortcuts" },
] as const;

/** The second key of a sequence counts for this long after the first. */
const pause = 1_000;

/** Is somebody writing, or busy with a dialog or a menu? Then keys mean what they say. */
function isBusy(target: EventTarget | null): boolean {
  const writes =
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input, textarea, select, [role=textbox]") !== null);
  return writes || document.querySelector("[role=dialog], [role=alertdialog], [role=menu]") !== null;
}

interface Actions {
  /** Goes to an address of the client. */
  go: (to: string) => void;
  openPalette: () => void;
  openHelp: () => void;
}

/** Listens to the keyboard for as long as the component is there. */
export function useShortcuts(actions: Actions): void {
  const act = useEffectEvent((keys: string): boolean => {
    if (keys === "?") {
      actions.openHelp();
      return true;
    }
    const shortcut = shortcuts.find((candidate) => candidate.keys.join(" ") === keys);
    if (shortcut === undefined || !("to" in shortcut)) {
      return false;
    }
    actions.go(shortcut.to);
    return true;
  });
  const openPalette = useEffectEvent(() => {
    actions.openPalette();
  });

  useEffect(() => {
    let first: { key: string; at: number } | null = null;
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey) && !event.altKey) {
        event.preventDefault();
        openPalette();
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || event.repeat || isBusy(event.target)) {
        return;
      }
      const began = first !== null && event.timeStamp - first.at < pause ? first.key : null;
      first = null;
      if (began !== null && act(`${began} ${event.key}`)) {
        event.preventDefault();
      } else if (event.key === "g") {
        first = { key: "g", at: event.timeStamp };
      } else if (act(event.key)) {
        event.preventDefault();
      }
    };
    document.addEventListener("keydown", listen);
    return () => {
      document.removeEventListener("keydown", listen);
    };
  }, []);
}
