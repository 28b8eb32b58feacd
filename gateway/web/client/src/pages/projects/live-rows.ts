/** Hears of changes to the projects that are seen in a list: not of all that were loaded, which may be many. */
import type { Portico } from "@portico/sdk";
import { keys, usePortico } from "@portico/sdk/react";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useCallback, useState } from "react";

/** How long rows must be seen before one listens to them, in milliseconds: nobody reads while scrolling. */
const rest = 300;

/** How many projects are listened to at once. After a break the connection asks for all of them together. */
const most = 15;

/** How long to wait between two requests, in milliseconds: the gateway takes 20 a second. */
const gap = 60;

/** Listens to the rows in sight, which carry their project's id in `data-project`. */
export function useLiveRows(ids: readonly string[]): void {
  const { live } = usePortico();
  const client = useQueryClient();
  // What has changed between loading and listening was told to nobody.
  const reload = useCallback(
    () => void client.invalidateQueries({ queryKey: keys.projects.lists, refetchType: "active" }),
    [client],
  );
  const [listening] = useState(() => new Listening(live, reload));
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
  readonly #onJoined: () => void;
  readonly #seen = new Set<string>();
  readonly #joined = new Set<string>();
  #last = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(live: Portico["live"], onJoined: () => void) {
    this.#live = live;
    this.#onJoined = onJoined;
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
        void this.#inTurn(() => {
          this.#live.leave(id);
        });
      }
    }
    const joining: Promise<void>[] = [];
    for (const id of this.#seen) {
      if (this.#joined.size < most && !this.#joined.has(id)) {
        this.#joined.add(id);
        joining.push(this.#inTurn(() => this.#live.join(id)));
      }
    }
    if (joining.length > 0) {
      // A project that one may not see any more is found out about in the same way.
      void Promise.allSettled(joining).then(this.#onJoined);
    }
  }

  async #inTurn(request: () => Promise<void> | void): Promise<void> {
    const turn = this.#last;
    this.#last = turn.then(() => new Promise((resolve) => setTimeout(resolve, gap)));
    await turn;
    await request();
  }
}
