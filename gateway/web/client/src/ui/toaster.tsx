import { Toaster as Sonner } from "sonner";
import "sonner/dist/styles.css";

/** Where short messages about what was just done appear. */
export function Toaster() {
  return (
    <Sonner
      position="bottom-right"
      closeButton
      // Above the tabs of a phone.
      mobileOffset={{ bottom: "calc(4.5rem + env(safe-area-inset-bottom))" }}
      toastOptions={{
        unstyled: true,
        classNames: {
          toast:
            "flex w-full items-start gap-2.5 rounded-lg border border-line bg-raised p-3.5 pr-9 text-sm text-ink shadow-raised",
          error: "text-danger-text",
          success: "[&_[data-icon]]:text-success-text",
          icon: "mt-0.5",
          closeButton:
            "absolute! top-2! right-2! left-auto! size-7! transform-none! rounded-md! border-0! bg-transparent! text-muted! hover:bg-hover! [&_svg]:size-3.5",
        },
      }}
    />
  );
}
