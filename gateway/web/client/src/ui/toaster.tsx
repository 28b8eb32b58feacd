import { Toaster as Sonner } from "sonner";
import "sonner/dist/styles.css";

/** Where short messages about what was just done appear. */
export function Toaster() {
  return (
    <Sonner
      position="bottom-right"
      closeButton
      toastOptions={{
        unstyled: true,
        classNames: {
          toast:
            "flex w-full items-start gap-2.5 rounded-lg border border-line bg-raised p-3.5 pr-9 text-sm text-ink shadow-raised",
          error: "text-danger-text",
          icon: "mt-0.5",
          closeButton:
            "absolute! top-2.5! right-2.5! left-auto! transform-none! border-0! bg-transparent! text-muted!",
        },
      }}
    />
  );
}
