import type { MfaMethod, SignInResult } from "@portico/sdk";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { PasswordStep } from "./password-step";
import { SecondStep } from "./second-step";

interface Challenge {
  mfaToken: string;
  methods: readonly MfaMethod[];
}

/** Signing in: by password, then by a second proof where the account has one; or by a passkey alone. */
export function Login() {
  const { redirect } = useSearch({ from: "/entry/login" });
  const router = useRouter();
  const [challenge, setChallenge] = useState<Challenge | null>(null);
  // What was typed is still there for those who come back from the second step.
  const [email, setEmail] = useState("");

  const goOn = (result: SignInResult) => {
    if (result.status === "mfaRequired") {
      setChallenge(result);
    } else {
      router.history.replace(redirect ?? "/dashboard");
    }
  };
  return challenge === null ? (
    <PasswordStep email={email} onEmailChange={setEmail} onSignIn={goOn} redirect={redirect} />
  ) : (
    <SecondStep
      mfaToken={challenge.mfaToken}
      methods={challenge.methods}
      onSignIn={goOn}
      onBack={() => {
        setChallenge(null);
      }}
    />
  );
}
