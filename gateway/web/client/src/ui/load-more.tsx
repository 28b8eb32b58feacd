import { useEffect, useEffectEvent, useRef } from "react";
import { Button } from "./button";

interface LoadMoreProps {
  /** Loads the next page. */
  onLoad: () => void;
  pending: boolean;
  /** The last attempt failed: people decide when to try again. */
  failed: boolean;
}

/** The end of a list that has more: loads it when it comes near, and by its button. */
export function LoadMore({ onLoad, pending, failed }: LoadMoreProps) {
  const end = useRef<HTMLDivElement>(null);
  const load = useEffectEvent(() => {
    if (!pending && !failed) {
      onLoad();
    }
  });
  useEffect(() => {
    if (end.current === null || pending) {
      return;
    }
    // Observed anew after each page: it may still be near.
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting === true) {
          load();
        }
      },
      { rootMargin: "600px" },
    );
    observer.observe(end.current);
    return () => {
      observer.disconnect();
    };
  }, [pending]);
  return (
    <div ref={end} className="flex flex-col items-center gap-2 py-5">
      {failed && (
        <p role="alert" className="text-muted">
          More could not be loaded.
        </p>
      )}
      <Button pending={pending} onClick={onLoad}>
        {failed ? "Try again" : "Load more"}
      </Button>
    </div>
  );
}
