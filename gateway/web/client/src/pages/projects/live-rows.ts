/** Hears of changes to the projects that are seen in a list: not of all that were loaded, which may be many. */
import type { Portico } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { useEffect, useState } from "react";

/** How long rows must be seen before one listens to them, in milliseconds: nobody reads while scrolling. */
const rest = 300;

/** How many projects are listened to at once. After a break the connection asks for all of them together. */
const most = 15;

/** How long to wait between two requests, in milliseconds: the gateway takes 20 a second. */
const gap = 60;

/** Listens to the rows in sight, which carry their project's id in `data-project`. */
export function useLiveRows(ids: readonly string[]): void {
  const { live } = usePortico();
  const [listening] = useState(() => new Listening(live));
  const all = ids.join(" ");
  useEffect(
    () => listening.follow(all === "" ? [] : document.querySelectorAll("[data-project]")),
    [listening, all],
  );
  useEffect(
    () => () => {
      listening.end();
    },
    [listening],
  );
}

class Listening {
  readonly #live: Portico["live"];
  readonly #seen = new Set<string>();
  readonly #joined = new Set<string>();
  #last = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(live: Portico["live"]) {
    this.#live = live;
  }

  /** Watches which of these rows are in sight, until the function that it returns is called. */
  follow(rows: Iterable<Element>): () => void {
    this.#seen.clear();
    const observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const id = target.getAttribute("data-project");
        if (id !== null) {
          this.#seen[isIntersecting ? "add" : "delete"](id);
        }
      }
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.#adjust();
      }, rest);
    });
    for (const row of rows) {
      observer.observe(row);
    }
    return () => {
      observer.disconnect();
      clearTimeout(this.#timer);
    };
  }

  end(): void {
    this.#seen.clear();
    this.#adjust();
  }

  #adjust(): void {
    for (const id of this.#joined) {
      if (!this.#seen.has(id)) {
        this.#joined.delete(id);
        this.#inTurn(() => {
          this.#live.leave(id);
        });
      }
    }
    for (const id of this.#seen) {
      if (this.#joined.size < most && !this.#joined.has(id)) {
        this.#joined.add(id);
        this.#inTurn(() => {
          // Who may not see a project any more hears so when the list is loaded again.
          this.#live.join(id).catch(() => undefined);
        });
      }
    }
  }

  #inTurn(request: () => void): void {
    this.#last = this.#last.then(async () => {
      request();
      await new Promise((resolve) => setTimeout(resolve, gap));
    });
  }
}
