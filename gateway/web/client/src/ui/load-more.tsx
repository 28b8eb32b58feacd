import { useEffect, useEffectEvent, useRef, useState } from "react";
import { Button } from "./button";

interface LoadMoreProps {
  /** Loads the next page. */
  onLoad: () => Promise<unknown>;
  pending: boolean;
  /** The last attempt failed: people decide when to try again. */
  failed: boolean;
}

/** The end of a list that has more: loads it when it comes near, and by its button. */
export function LoadMore({ onLoad, pending, failed }: LoadMoreProps) {
  const end = useRef<HTMLDivElement>(null);
  // How often loading has ended here, however it did.
  const [ends, setEnds] = useState(0);
  const load = useEffectEvent(async () => {
    if (!pending && !failed) {
      await onLoad();
      setEnds((count) => count + 1);
    }
  });
  useEffect(() => {
    if (end.current === null || pending) {
      return;
    }
    // Observed anew after each page, as it may still be near; and where reading the list again has
    // called the page off, which leaves no other trace.
    const observer = new IntersectionObserver(
      (entries) => {
        // Where the page was busy, several come at once: the last one is how it is now.
        if (entries.at(-1)?.isIntersecting === true) {
          void load();
        }
      },
      { rootMargin: "600px" },
    );
    observer.observe(end.current);
    return () => {
      observer.disconnect();
    };
  }, [pending, ends]);
  return (
    <div ref={end} className="flex flex-col items-center gap-2 py-5">
      {failed && (
        <p role="alert" className="text-muted">
          More could not be loaded.
        </p>
      )}
      <Button pending={pending} onClick={() => void onLoad()}>
        {failed ? "Try again" : "Load more"}
      </Button>
    </div>
  );
}
