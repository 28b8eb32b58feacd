import { useRouter } from "@tanstack/react-router";
import { createContext, lazy, Suspense, use, useEffect, useState, type ReactNode } from "react";
import { useSignOut } from "../sign-out";
import { useShortcuts } from "./shortcuts";

const loadPalette = () => import("./palette");
const Palette = lazy(async () => ({ default: (await loadPalette()).Palette }));
const ShortcutHelp = lazy(async () => ({ default: (await import("./help")).ShortcutHelp }));

interface Openers {
  openPalette: () => void;
  openHelp: () => void;
}

const OpenersContext = createContext<Openers>({ openPalette: () => undefined, openHelp: () => undefined });

/** Opens the palette or the list of shortcuts, for buttons that do so. */
export function useCommands(): Openers {
  return use(OpenersContext);
}

/** The palette and the keyboard shortcuts of everything within. Loaded when they are first asked for. */
export function Commands({ children }: { children: ReactNode }) {
  const { history } = useRouter();
  const signOut = useSignOut();
  const [shown, setShown] = useState<"palette" | "help" | null>(null);
  const close = () => {
    setShown(null);
  };
  const go = (to: string) => {
    history.push(to);
  };
  const openers: Openers = {
    openPalette: () => {
      setShown((before) => (before === "palette" ? null : "palette"));
    },
    openHelp: () => {
      setShown("help");
    },
  };
  useShortcuts({ go, ...openers });
  useEffect(() => {
    // Whoever opens it types at once. If it cannot be loaded yet, it is when it is opened.
    const timer = setTimeout(() => void loadPalette().catch(() => undefined), 1_000);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  return (
    <OpenersContext value={openers}>
      {children}
      <Suspense>
        {shown === "palette" && <Palette onClose={close} go={go} signOut={signOut} />}
        {shown === "help" && <ShortcutHelp onClose={close} />}
      </Suspense>
    </OpenersContext>
  );
}
