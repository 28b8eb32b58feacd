import { Command } from "cmdk";
import { Search } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useState } from "react";
import { Results } from "./results";

interface PaletteProps {
  onClose: () => void;
  go: (to: string) => void;
  signOut: () => void;
}

/** Goes anywhere and does most things by a few letters: pages, projects, and for administrators people. */
export function Palette({ onClose, go, signOut }: PaletteProps) {
  const [typed, setTyped] = useState("");
  return (
    <Radix.Root open onOpenChange={onClose}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          aria-describedby={undefined}
          className="appear fixed inset-x-2 top-2 z-50 overflow-hidden rounded-xl border border-line bg-raised shadow-raised sm:inset-x-0 sm:top-[14dvh] sm:mx-auto sm:max-w-xl"
        >
          <Radix.Title className="sr-only">Search</Radix.Title>
          <Command label="Search" shouldFilter={false} loop>
            <div className="flex items-center gap-2.5 border-b border-line px-4">
              <Search aria-hidden className="size-4 shrink-0 text-muted" />
              <Command.Input
                value={typed}
                onValueChange={setTyped}
                placeholder="Search, or go anywhere"
                className="h-12 w-full bg-transparent outline-none placeholder:text-muted"
              />
              <Radix.Close className="h-10 shrink-0 rounded-md px-2 text-[13px] text-muted hover:text-ink">
                Close
              </Radix.Close>
            </div>
            <Command.List
              label="Results"
              className="max-h-[min(26rem,60dvh)] overflow-y-auto overscroll-contain p-1.5"
            >
              <Results
                words={typed.trim()}
                go={(to) => {
                  onClose();
                  go(to);
                }}
                signOut={() => {
                  onClose();
                  signOut();
                }}
              />
            </Command.List>
          </Command>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
