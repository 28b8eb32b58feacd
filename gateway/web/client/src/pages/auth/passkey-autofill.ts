import { canOfferPasskeys, isPorticoError, type SignInResult } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { toast } from "sonner";
import { messageOf } from "@/lib/messages";
import { passkeyFailure } from "./passkeys";

/** An offer is made anew before the gateway forgets what it asked, in milliseconds. */
const lifetime = 4 * 60_000;

/**
 * Offers passkeys among what the browser suggests for the field of the email, where the browser can do so.
 * `pause` withdraws the offer while the browser is asked for a passkey in another way; `resume` makes it again.
 */
export function usePasskeyAutofill(onSignIn: (result: SignInResult) => void): {
  pause: () => void;
  resume: () => void;
} {
  const { auth } = usePortico();
  const offer = useRef<AbortController | null>(null);
  const [round, setRound] = useState(0);
  const resume = () => {
    setRound((last) => last + 1);
  };
  const wait = useEffectEvent(async (signal: AbortSignal) => {
    if (!(await canOfferPasskeys())) {
      return;
    }
    try {
      onSignIn(await auth.loginWithPasskey({ mediation: "conditional", signal }));
    } catch (error) {
      // Whoever chose one is told why it did not do; that none was chosen is nothing to tell.
      if (isPorticoError(error)) {
        toast.error(messageOf(passkeyFailure(error)));
      }
    }
  });
  useEffect(() => {
    const controller = new AbortController();
    offer.current = controller;
    void wait(controller.signal);
    const timer = setTimeout(() => {
      setRound(round + 1);
    }, lifetime);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [round]);
  return {
    pause: () => {
      offer.current?.abort();
    },
    resume,
  };
}
