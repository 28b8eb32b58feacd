import type { PasswordStrength } from "@portico/sdk";
import { usePortico } from "@portico/sdk/react";
import { useEffect, useState } from "react";
import { cx } from "@/lib/cx";
import { PasswordField } from "@/ui/field";

interface NewPasswordFieldProps {
  label: string;
  name: string;
  /** The email and the name of whoever chooses it, which are guessed first. */
  email?: string | undefined;
  person?: string | undefined;
}

/** How long nothing more is typed before the strength is asked for. */
const pause = 300;

/** A password that is being chosen, with a hint how hard it is to guess. The hint stops nobody. */
export function NewPasswordField({ label, name, email, person }: NewPasswordFieldProps) {
  const { auth } = usePortico();
  const [password, setPassword] = useState("");
  const [estimate, setEstimate] = useState<PasswordStrength | null>(null);

  useEffect(() => {
    if (password === "") {
      return;
    }
    let current = true;
    const ask = async () => {
      try {
        const answer = await auth.password.strength({ password, email: email ?? null, name: person ?? null });
        if (current) {
          setEstimate(answer);
        }
      } catch {
        // It was only a hint: what is wrong with the password is said when it is sent.
      }
    };
    const timer = setTimeout(() => void ask(), pause);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [auth, password, email, person]);

  return (
    <PasswordField
      label={label}
      name={name}
      autoComplete="new-password"
      required
      hint={<Strength estimate={password === "" ? null : estimate} />}
      onChange={(event) => {
        setPassword(event.target.value);
      }}
    />
  );
}

const words = [
  "Very easy to guess",
  "Easy to guess",
  "Could be harder to guess",
  "Hard to guess",
  "Very hard to guess",
];
const colours = ["bg-danger", "bg-danger", "bg-warning-text", "bg-success-text", "bg-success-text"];

/** Four bars and a sentence, which have their place before anything is typed. */
function Strength({ estimate }: { estimate: PasswordStrength | null }) {
  const filled = estimate === null ? 0 : Math.max(1, estimate.score);
  return (
    <div>
      <div aria-hidden className="mb-1.5 flex gap-1">
        {[1, 2, 3, 4].map((bar) => (
          <span
            key={bar}
            className={cx(
              "h-1 flex-1 rounded-full transition-colors",
              estimate !== null && bar <= filled ? colours[estimate.score] : "bg-line",
            )}
          />
        ))}
      </div>
      <p role="status" className="min-h-10">
        {estimate === null
          ? "At least 8 characters. A few words that have nothing to do with each other are easy to keep in mind."
          : [estimate.acceptable && `${words[estimate.score] ?? ""}.`, estimate.hint]
              .filter(Boolean)
              .join(" ")}
      </p>
    </div>
  );
}
