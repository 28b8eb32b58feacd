import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useState, type ReactNode } from "react";
import { cx } from "@/lib/cx";
import { IconButton } from "./button";

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  /** It shows what is seen only once, and closes by its buttons alone. */
  persistent?: boolean | undefined;
  children: ReactNode;
}

/** A dialog in the middle of the window; on phones a sheet at its bottom. Give it what it shows, buttons included. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  persistent = false,
  children,
}: DialogProps) {
  const [wasOpen, setWasOpen] = useState(false);
  const [opener, setOpener] = useState<HTMLElement | null>(null);
  if (open !== wasOpen) {
    setWasOpen(open);
    if (open) {
      setOpener(focused());
    }
  }
  const goBack = (event: Event) => {
    event.preventDefault();
    if (opener?.isConnected === true) {
      opener.focus();
    } else if (document.activeElement === document.body) {
      document.getElementById("content")?.focus();
    }
  };
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          onCloseAutoFocus={goBack}
          {...(description === undefined ? { "aria-describedby": undefined } : {})}
          {...(persistent ? { onEscapeKeyDown: stay, onPointerDownOutside: stay } : {})}
          className="appear fixed inset-x-0 bottom-0 z-50 flex max-h-[90dvh] flex-col gap-4 overflow-y-auto rounded-t-xl border border-line bg-raised p-5 pb-[max(1.25rem,env(safe-area-inset-bottom))] shadow-raised sm:inset-x-auto sm:top-1/2 sm:bottom-auto sm:left-1/2 sm:w-full sm:max-w-md sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-xl"
        >
          <div className={cx("min-w-0", !persistent && "pr-8")}>
            <Radix.Title className="text-base font-semibold break-words">{title}</Radix.Title>
            {description !== undefined && (
              <Radix.Description asChild>
                <div className="mt-1 text-muted">{description}</div>
              </Radix.Description>
            )}
          </div>
          {children}
          {/* Stands last, so that the first thing to fill in or to press has the focus. */}
          {!persistent && (
            <Radix.Close asChild>
              <IconButton label="Close" className="absolute! top-3 right-3">
                <X aria-hidden />
              </IconButton>
            </Radix.Close>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** What has the focus; the button of a menu, if the menu has it, which is about to go. */
function focused(): HTMLElement | null {
  const active = document.activeElement;
  const button = active?.closest("[role=menu]")?.getAttribute("aria-labelledby");
  return button ? document.getElementById(button) : active instanceof HTMLElement ? active : null;
}

function stay(event: Event): void {
  event.preventDefault();
}

/** The row of buttons at the end of a dialog: the one that acts stands last, on phones first. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className="mt-1 flex flex-col-reverse gap-2 sm:flex-row sm:justify-end">{children}</div>;
}
