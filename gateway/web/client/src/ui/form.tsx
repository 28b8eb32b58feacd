import { createContext, use, useEffect, useRef, useState, type ReactNode, type SubmitEvent } from "react";
import { Cancelled } from "@/lib/failures";
import { fieldMessagesOf, messageOf } from "@/lib/messages";
import { Alert } from "./alert";
import { Button } from "./button";

interface FormState {
  pending: boolean;
  /** What the server refused, by the field's name. */
  fields: Readonly<Record<string, string>>;
}

const FormContext = createContext<FormState>({ pending: false, fields: {} });

/** What a field of this name has to say, if the form around it was refused because of it. */
export function useFieldError(name: string | undefined): string | undefined {
  const { fields } = use(FormContext);
  return name === undefined ? undefined : fields[name];
}

interface FormProps {
  /** Sends the form. What it throws is shown: at the fields that the server names, else above the form. */
  onSubmit: (values: FormData) => Promise<unknown>;
  children: ReactNode;
  className?: string | undefined;
  /** The form's name, for those who cannot see where it stands. */
  label?: string | undefined;
}

/** A form that sends once at a time, keeps what was typed when it fails, and leads to the first mistake. */
export function Form({ onSubmit, children, className = "flex flex-col gap-4", label }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [saidAtFields, setSaidAtFields] = useState(false);
  const fields = fieldMessagesOf(error);

  // Once the refusal is shown: an animation frame may come before it.
  useEffect(() => {
    if (error !== null) {
      form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
    }
  }, [error]);

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    // A form in a dialog stands, for React, inside the form that opened it.
    event.stopPropagation();
    if (pending) {
      return;
    }
    const values = new FormData(event.currentTarget);
    setPending(true);
    setError(null);
    try {
      await onSubmit(values);
    } catch (failure) {
      if (failure instanceof Cancelled) {
        return;
      }
      // A refusal that names only fields which this form shows is said at the fields alone.
      const names = Object.keys(fieldMessagesOf(failure));
      const isShown = (name: string) => form.current?.elements.namedItem(name) != null;
      setSaidAtFields(names.length > 0 && names.every(isShown));
      setError(failure);
    } finally {
      setPending(false);
    }
  };

  return (
    <FormContext value={{ pending, fields }}>
      <form ref={form} onSubmit={submit} className={className} aria-label={label} noValidate>
        {error !== null && !saidAtFields && <Alert tone="danger">{messageOf(error)}</Alert>}
        {children}
      </form>
    </FormContext>
  );
}

/** The button that sends the form around it. */
export function SubmitButton({
  children,
  variant = "primary",
  className,
}: {
  children: ReactNode;
  variant?: "primary" | "danger" | "secondary" | undefined;
  className?: string | undefined;
}) {
  const { pending } = use(FormContext);
  return (
    <Button type="submit" variant={variant} pending={pending} className={className}>
      {children}
    </Button>
  );
}

/** A value of a form as text, without spaces around it; a missing one is empty. */
export function text(values: FormData, name: string): string {
  const value = values.get(name);
  return typeof value === "string" ? value.trim() : "";
}

/** A value of a form as it was typed, as passwords are; a missing one is empty. */
export function typed(values: FormData, name: string): string {
  const value = values.get(name);
  return typeof value === "string" ? value : "";
}
