import { ChevronDown, Eye, EyeOff } from "lucide-react";
import { useId, useState, type ComponentProps, type ReactNode } from "react";
import { cx } from "@/lib/cx";
import { useFieldError } from "./form";

const control =
  "w-full rounded-md border border-field bg-surface px-3 text-ink placeholder:text-muted transition-colors " +
  "focus-visible:outline-offset-0 aria-invalid:border-danger [&[readonly]]:bg-canvas disabled:opacity-60";

interface FieldProps {
  label: string;
  /** Help that stands below the field for as long as it is there. */
  hint?: ReactNode;
  /** What is wrong with the value; by default what the form around it was told. */
  error?: ReactNode;
  /** The label is read aloud, but not shown. */
  hideLabel?: boolean | undefined;
}

interface Described {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

/** A label, a control, and what there is to say about it, tied together. */
export function Field({
  label,
  hint,
  error,
  hideLabel = false,
  children,
}: FieldProps & { children: (described: Described) => ReactNode }) {
  const id = useId();
  const describedBy = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className={hideLabel ? "sr-only" : "font-medium"}>
        {label}
      </label>
      {children({
        id,
        "aria-describedby": describedBy || undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {error && (
        <p id={`${id}-error`} className="text-[13px] text-danger-text">
          {error}
        </p>
      )}
      {hint && (
        <div id={`${id}-hint`} className="text-[13px] text-muted">
          {hint}
        </div>
      )}
    </div>
  );
}

type Of<Element extends "input" | "select" | "textarea"> = FieldProps & Omit<ComponentProps<Element>, "id">;

export function TextField({ label, hint, error, hideLabel, className, ...rest }: Of<"input">) {
  const refused = useFieldError(rest.name);
  return (
    <Field label={label} hint={hint} error={error ?? refused} hideLabel={hideLabel}>
      {(described) => (
        <input {...rest} {...described} className={cx(control, "h-9 pointer-coarse:h-10", className)} />
      )}
    </Field>
  );
}

/** A password with a button that shows it. */
export function PasswordField({ label, hint, error, hideLabel, className, ...rest }: Of<"input">) {
  const refused = useFieldError(rest.name);
  const [shown, setShown] = useState(false);
  const action = shown ? "Hide characters" : "Show characters";
  return (
    <Field label={label} hint={hint} error={error ?? refused} hideLabel={hideLabel}>
      {(described) => (
        <div className="relative">
          <input
            {...rest}
            {...described}
            type={shown ? "text" : "password"}
            autoCapitalize="none"
            spellCheck={false}
            className={cx(control, "h-9 pr-10 pointer-coarse:h-10", className)}
          />
          <button
            type="button"
            aria-label={action}
            title={action}
            aria-pressed={shown}
            className="absolute inset-y-0 right-0 flex w-10 items-center justify-center rounded-md text-muted hover:text-ink"
            onClick={() => {
              setShown(!shown);
            }}
          >
            {shown ? <EyeOff aria-hidden className="size-4" /> : <Eye aria-hidden className="size-4" />}
          </button>
        </div>
      )}
    </Field>
  );
}

export function TextArea({ label, hint, error, hideLabel, className, ...rest }: Of<"textarea">) {
  const refused = useFieldError(rest.name);
  return (
    <Field label={label} hint={hint} error={error ?? refused} hideLabel={hideLabel}>
      {(described) => (
        <textarea rows={3} {...rest} {...described} className={cx(control, "min-h-20 py-2", className)} />
      )}
    </Field>
  );
}

/** The system's own list, which works best on phones and by keyboard. */
export function SelectField({ label, hint, error, hideLabel, className, ...rest }: Of<"select">) {
  const refused = useFieldError(rest.name);
  return (
    <Field label={label} hint={hint} error={error ?? refused} hideLabel={hideLabel}>
      {(described) => (
        <div className="relative">
          <select
            {...rest}
            {...described}
            className={cx(control, "h-9 appearance-none truncate pr-8 pointer-coarse:h-10", className)}
          />
          <ChevronDown
            aria-hidden
            className="pointer-events-none absolute top-1/2 right-2.5 size-4 -translate-y-1/2 text-muted"
          />
        </div>
      )}
    </Field>
  );
}

/** A box to tick. */
export function Checkbox({
  label,
  hint,
  ...rest
}: Omit<FieldProps, "error" | "hideLabel"> & Omit<ComponentProps<"input">, "id" | "type">) {
  const id = useId();
  return (
    <div className="flex items-start gap-2.5 pointer-coarse:min-h-10 pointer-coarse:items-center">
      <input
        {...rest}
        id={id}
        type="checkbox"
        aria-describedby={hint ? `${id}-hint` : undefined}
        className="mt-0.5 size-4 shrink-0 accent-accent pointer-coarse:size-5"
      />
      <div>
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {hint && (
          <div id={`${id}-hint`} className="text-[13px] text-muted">
            {hint}
          </div>
        )}
      </div>
    </div>
  );
}
