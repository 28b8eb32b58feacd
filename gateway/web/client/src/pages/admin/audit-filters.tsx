import { useAuth } from "@portico/sdk/react";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { SelectField, TextField } from "@/ui/field";
import { PersonName, shortId, type Names } from "./person-name";
import type { AuditSearch } from "./search";
import { inWords } from "./sentence";

/** Kinds of actions by how their names begin. */
const kinds: [string, string][] = [
  ["user.", "Accounts"],
  ["account.", "Accounts: deleted, exported, signed out"],
  ["session.", "Sessions"],
  ["sign_in.", "Failed sign-ins"],
  ["network.", "Addresses slowed down"],
  ["device.", "New devices"],
  ["password.", "Passwords"],
  ["email.", "Emails"],
  ["totp.", "Authenticator apps"],
  ["recovery_codes.", "Recovery codes"],
  ["passkey.", "Passkeys"],
  ["mfa.", "Two-factor resets"],
  ["api_key.", "API keys"],
  ["service_account.", "Service accounts"],
  ["impersonation.", "Acting as somebody else"],
  ["project.", "Projects"],
  ["member.", "Members"],
  ["invitation.", "Invitations"],
];

export function AuditFilters({
  search,
  names,
  onChange,
}: {
  search: AuditSearch;
  names: Names;
  onChange: (changes: AuditSearch) => void;
}) {
  const { user: me } = useAuth();
  const { actor, action, target, since, until } = search;
  const isSomebodyElse = actor !== undefined && actor !== me?.id && actor !== "system";
  return (
    <search className="mb-4 flex flex-col gap-2">
      <div className="grid grid-cols-2 gap-2 lg:grid-cols-4">
        <SelectField
          label="Action"
          value={action ?? ""}
          onChange={(event) => {
            onChange({ action: event.target.value || undefined });
          }}
        >
          <option value="">Every action</option>
          {kinds.map(([prefix, name]) => (
            <option key={prefix} value={prefix}>
              {name}
            </option>
          ))}
          {action !== undefined && !kinds.some(([prefix]) => prefix === action) && (
            <option value={action}>{inWords(action)}</option>
          )}
        </SelectField>
        <SelectField
          label="Done by"
          value={actor ?? ""}
          onChange={(event) => {
            onChange({ actor: event.target.value || undefined });
          }}
        >
          <option value="">Anybody</option>
          {me !== null && <option value={me.id}>You</option>}
          <option value="system">Portico itself</option>
          {isSomebodyElse && (
            <option value={actor}>{names.get(actor) ?? `Somebody (${shortId(actor)})`}</option>
          )}
        </SelectField>
        <TextField
          label="From"
          type="date"
          value={since ?? ""}
          max={until}
          onChange={(event) => {
            onChange({ since: event.target.value || undefined });
          }}
        />
        <TextField
          label="To"
          type="date"
          value={until ?? ""}
          min={since}
          onChange={(event) => {
            onChange({ until: event.target.value || undefined });
          }}
        />
      </div>
      {(isSomebodyElse || target !== undefined) && (
        <div className="flex flex-wrap gap-2">
          {isSomebodyElse && (
            <Chip
              onRemove={() => {
                onChange({ actor: undefined });
              }}
            >
              Done by <PersonName id={actor} names={names} />
            </Chip>
          )}
          {target !== undefined && (
            <Chip
              onRemove={() => {
                onChange({ target: undefined });
              }}
            >
              About <PersonName id={target} names={names} />
            </Chip>
          )}
        </div>
      )}
    </search>
  );
}

/** A filter that was set by pressing something in the list, with a button that takes it away. */
function Chip({ children, onRemove }: { children: ReactNode; onRemove: () => void }) {
  return (
    <span className="inline-flex items-center gap-1 rounded-full bg-accent-soft pl-3 text-[13px] text-accent-text">
      {children}
      <button
        type="button"
        aria-label="Remove this filter"
        className="flex size-8 items-center justify-center rounded-full pointer-coarse:size-10"
        onClick={onRemove}
      >
        <X aria-hidden className="size-3.5" />
      </button>
    </span>
  );
}
