/** A text that is edited where it stands: Enter or leaving the field saves, Escape takes it back. */
import { Pencil } from "lucide-react";
import { useRef, useState, type FocusEvent, type KeyboardEvent, type ReactNode } from "react";
import { toast } from "sonner";
import { fieldMessagesOf, messageOf } from "@/lib/messages";
import { Alert } from "@/ui/alert";
import { Button, IconButton } from "@/ui/button";
import { TextArea, TextField } from "@/ui/field";
import { Overtaken } from "./use-save";

interface InPlaceProps {
  /** What the text is: "Name". */
  label: string;
  /** The text now, also while it is edited: others may change it. */
  value: string;
  /** How it looks where it is not edited. */
  children: ReactNode;
  /** How it looks in the field, so that nothing moves when editing begins. */
  fieldClass?: string | undefined;
  multiline?: boolean | undefined;
  maxLength: number;
  required?: boolean | undefined;
  /** Saves the text. Throws `Overtaken` if it is not what `value` says any more. */
  onSave: (text: string) => Promise<unknown>;
}

interface Draft {
  text: string;
  /** What the text was when editing began. */
  base: string;
  error: string | null;
  /** Whether the field takes the focus: not when saving failed after somebody went on elsewhere. */
  focus: boolean;
}

export function InPlace(props: InPlaceProps) {
  const { label, value, children, required = false, onSave } = props;
  const [draft, setDraft] = useState<Draft | null>(null);
  const [saving, setSaving] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);

  const begin = () => {
    setDraft({ text: value, base: value, error: null, focus: true });
  };
  const goBack = () => {
    requestAnimationFrame(() => opener.current?.focus());
  };
  const cancel = () => {
    setDraft(null);
    goBack();
  };
  const save = async (written: Draft, { byKey }: { byKey: boolean }) => {
    const text = written.text.trim();
    const isSame = text === written.base;
    if (required && text === "") {
      setDraft({ ...written, error: "This is needed." });
      return;
    }
    if (byKey) {
      goBack();
    }
    if (isSame) {
      setDraft(null);
      return;
    }
    setSaving(true);
    try {
      await onSave(text);
      setDraft(null);
    } catch (failure) {
      // What was typed stays, beside what others made of it.
      const error = failure instanceof Overtaken ? null : reasonOf(failure);
      setDraft({ ...written, error, focus: byKey });
      if (!byKey) {
        toast.error(`${label} was not saved. ${messageOf(failure)}`);
      }
    } finally {
      setSaving(false);
    }
  };

  if (draft !== null && !saving) {
    return (
      <>
        <div className="sr-only">{children}</div>
        <Editor {...props} draft={draft} onDraft={setDraft} onFinish={save} onCancel={cancel} />
      </>
    );
  }
  return (
    <div className="flex min-w-0 items-start gap-1">
      <div
        className="min-w-0"
        onClick={() => {
          // Those who select some of the text want to copy it.
          if (!saving && window.getSelection()?.isCollapsed !== false) {
            begin();
          }
        }}
      >
        {children}
      </div>
      <IconButton
        ref={opener}
        label={`Edit ${label.toLowerCase()}`}
        pending={saving}
        className="text-muted"
        onClick={begin}
      >
        <Pencil aria-hidden />
      </IconButton>
    </div>
  );
}

/** Why a single field was refused. */
function reasonOf(failure: unknown): string {
  return Object.values(fieldMessagesOf(failure))[0] ?? messageOf(failure);
}

interface EditorProps extends InPlaceProps {
  draft: Draft;
  onDraft: (draft: Draft) => void;
  onFinish: (draft: Draft, how: { byKey: boolean }) => Promise<void>;
  onCancel: () => void;
}

function Editor({
  label,
  value,
  fieldClass,
  multiline,
  maxLength,
  draft,
  onDraft,
  onFinish,
  onCancel,
}: EditorProps) {
  /** Somebody else changed it since: then one has to choose. */
  const isOvertaken = value !== draft.base && value !== draft.text.trim();

  const field = {
    label,
    hideLabel: true,
    value: draft.text,
    maxLength,
    autoFocus: draft.focus,
    autoComplete: "off",
    className: fieldClass,
    error: draft.error ?? undefined,
    onChange: ({ target }: { target: { value: string } }) => {
      onDraft({ ...draft, text: target.value, error: null });
    },
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === "Escape") {
        event.preventDefault();
        onCancel();
      } else if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
        event.preventDefault();
        if (!isOvertaken) {
          void onFinish(draft, { byKey: true });
        }
      }
    },
  };
  const leave = (event: FocusEvent<HTMLElement>) => {
    const stays = event.currentTarget.contains(event.relatedTarget) || !document.hasFocus();
    if (!stays && !isOvertaken && draft.error === null) {
      void onFinish(draft, { byKey: false });
    }
  };
  return (
    <div className="flex flex-col gap-2" onBlur={leave}>
      {multiline === true ? (
        <TextArea {...field} rows={5} hint="Enter saves, Shift + Enter begins a new line, Escape cancels." />
      ) : (
        <TextField {...field} />
      )}
      {isOvertaken && (
        <Alert
          tone="warning"
          action={
            <span className="flex flex-wrap justify-end gap-2">
              <Button size="sm" onClick={onCancel}>
                Take theirs
              </Button>
              <Button
                size="sm"
                variant="primary"
                onClick={() => void onFinish({ ...draft, base: value }, { byKey: true })}
              >
                Save mine
              </Button>
            </span>
          }
        >
          Somebody else changed this in the meantime{value === "" ? ", and removed it." : <>: “{value}”</>}
        </Alert>
      )}
    </div>
  );
}
