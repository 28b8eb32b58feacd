import type { AuditEntry } from "@portico/sdk";
import { ChevronRight } from "lucide-react";
import { Time } from "@/ui/time";
import { PersonName, shortId, type Names } from "./person-name";
import type { AuditSearch } from "./search";
import { predicateOf, type Part } from "./sentence";

interface Props {
  entry: AuditEntry;
  names: Names;
  onChange: (changes: AuditSearch) => void;
}

/** What happened, as a sentence; opened, all that is known of it. */
export function AuditRow({ entry, names, onChange }: Props) {
  const { actor, target } = entry;
  const impersonated = entry.details?.impersonated;
  return (
    <li>
      <details className="group">
        <summary className="flex list-none items-start gap-2 px-4 py-3 hover:bg-hover focus-visible:-outline-offset-2">
          <ChevronRight
            aria-hidden
            className="mt-0.5 size-4 shrink-0 text-muted transition-transform group-open:rotate-90"
          />
          <div className="min-w-0 flex-1">
            <p className="break-words">
              <b className="font-semibold">{actorOf(entry)}</b>
              {typeof impersonated === "string" && (
                <>
                  {" "}
                  as{" "}
                  <b className="font-semibold">
                    <PersonName id={impersonated} names={names} />
                  </b>
                </>
              )}
              {predicateOf(entry).map((part, index) => (
                <SentencePart key={index} part={part} names={names} />
              ))}
            </p>
            <p className="mt-0.5 text-[13px] text-muted">
              <Time at={entry.createdAt} />
              {entry.ip !== null && <> · from {entry.ip}</>}
            </p>
          </div>
        </summary>
        <div className="flex flex-col gap-3 px-4 pb-4 pl-10">
          <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-[13px]">
            <Fact name="Action">{entry.action}</Fact>
            {entry.createdAt !== null && <Fact name="Time">{entry.createdAt}</Fact>}
            {actor?.id != null && (
              <Fact
                name="Actor"
                onOnly={() => {
                  onChange({ actor: actor.type === "SYSTEM" ? "system" : (actor.id ?? undefined) });
                }}
              >
                {actor.id}
              </Fact>
            )}
            {target !== null && (
              <Fact
                name={`Target (${target.type})`}
                onOnly={() => {
                  onChange({ target: target.id });
                }}
              >
                {target.id}
              </Fact>
            )}
            <Fact name="Request">{entry.requestId}</Fact>
          </dl>
          {Object.keys(entry.details ?? {}).length > 0 && (
            <pre
              className="overflow-x-auto rounded-md border border-line bg-canvas p-3 font-mono text-xs"
              tabIndex={0}
            >
              {JSON.stringify(entry.details, null, 2)}
            </pre>
          )}
        </div>
      </details>
    </li>
  );
}

function Fact({ name, children, onOnly }: { name: string; children: string; onOnly?: () => void }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="flex min-w-0 flex-wrap items-center gap-x-3 font-mono text-xs break-all">
        {children}
        {onOnly !== undefined && (
          <button
            type="button"
            className="rounded font-sans text-[13px] text-accent-text underline-offset-2 hover:underline"
            onClick={onOnly}
          >
            Show only this
          </button>
        )}
      </dd>
    </>
  );
}

function SentencePart({ part, names }: { part: Part; names: Names }) {
  if (typeof part === "string") {
    return part.startsWith(",") ? part : ` ${part}`;
  }
  return (
    <>
      {" "}
      {"person" in part ? (
        <b className="font-semibold">
          <PersonName id={part.person} names={names} />
        </b>
      ) : (
        <>
          {part.thing} <span className="font-mono text-xs text-muted">{shortId(part.id)}</span>
        </>
      )}
    </>
  );
}

/** Who did it: a person, a service, or Portico by itself. */
function actorOf({ actor }: AuditEntry): string {
  if (actor === null || actor.type === "SYSTEM" || actor.id === "portico") {
    return "Portico";
  }
  return actor.name ?? (actor.type === "USER" ? "A removed person" : (actor.id ?? "A service"));
}
