import type { ChangeEvent, ComponentProps } from "react";
import { TextField } from "./field";

/** How many digits a code of an authenticator app has. */
const length = 6;

/** The code of an authenticator app. It sends its form by itself once it is whole, typed or pasted. */
export function CodeField({
  label = "Code",
  ...rest
}: Partial<Pick<ComponentProps<typeof TextField>, "label" | "hint" | "error" | "autoFocus">>) {
  const change = ({ currentTarget: input }: ChangeEvent<HTMLInputElement>) => {
    const digits = input.value.replaceAll(/\D/g, "").slice(0, length);
    input.value = digits;
    if (digits.length === length) {
      input.form?.requestSubmit();
    }
  };
  return (
    <TextField
      {...rest}
      label={label}
      name="code"
      inputMode="numeric"
      autoComplete="one-time-code"
      spellCheck={false}
      className="font-mono tracking-[0.35em]"
      onChange={change}
    />
  );
}
