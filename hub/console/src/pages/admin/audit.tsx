/** The audit: searched, read and taken out. */
import { useSignal } from "@preact/signals";
import { type AuditLine, type AuditWanted, auditExport, readAudit } from "../../data/admin";
import { now as hubTime } from "../../data/clock";
import { seesEverywhere } from "../../data/session";
import { at, deedName, t } from "../../i18n";
import { Shown, useAsked, useDoing } from "../../parts/asked";
import { Link } from "../../parts/link";
import { Said } from "../../parts/said";
import { Scroll } from "../../parts/scroll";
import { VerifyPanel } from "../../parts/verify-panel";
import { useVirtual } from "../../parts/virtual";

const NOTHING: AuditWanted = { chain: "audit", actor: "", action: "", subject: "", from: "", to: "" };
const FIELDS = ["actor", "subject"] as const;

/** What a date field gives, from the local midnight that it means. */
const midnight = (date: string, days: number) => {
  if (date === "") return "";
  const local = new Date(`${date}T00:00:00`);
  local.setDate(local.getDate() + days);
  return local.toISOString();
};

/** A row of the table, in pixels. */
const ROW_PX = 39;

function Lines({ lines }: { lines: readonly AuditLine[] }) {
  const words = t.value.admin.audit;
  const view = useVirtual<HTMLTableSectionElement>(lines.length, ROW_PX, true);
  return (
    <Scroll label={t.value.admin.sections.audit}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{words.link}</th>
            <th scope="col">{words.at}</th>
            <th scope="col">{words.actor}</th>
            <th scope="col">{words.action}</th>
            <th scope="col">{words.subject}</th>
            <th scope="col">{words.address}</th>
          </tr>
        </thead>
        <tbody ref={view.list}>
          {view.before}
          {lines.slice(view.from, view.to).map((line) => (
            <tr key={line.link}>
              <td class="number">{line.link}</td>
              <td class="number">{at(line.at, hubTime.value)}</td>
              <td>
                <Said>{line.actor}</Said>
              </td>
              <td>
                <Said>{deedName(line.action)}</Said>
              </td>
              <td>
                {typeof line.case === "number" ? (
                  <Link to={`/cases/${line.case}`}>
                    <Said>{line.subject}</Said>
                  </Link>
                ) : (
                  <Said>{line.subject}</Said>
                )}
              </td>
              <td>
                <Said class="number">{line.address ?? ""}</Said>
              </td>
            </tr>
          ))}
          {view.after}
        </tbody>
      </table>
    </Scroll>
  );
}

/** What can be looked for in a chain: the hub takes the code, people choose the word. */
function ActionChoice({
  chain,
  value,
  choose,
}: {
  chain: AuditWanted["chain"];
  value: string;
  choose: (action: string) => void;
}) {
  const words = t.value.admin.audit;
  const actions = Object.entries(chain === "audit" ? words.did : t.value.action);
  return (
    <label class="field">
      {words.action}
      <select name="action" value={value} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{words.anything}</option>
        {actions.map(([code, word]) => (
          <option key={code} value={code}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}

export function AuditSection() {
  const words = t.value.admin.audit;
  const filled = useSignal(NOTHING);
  const wanted = useSignal(NOTHING);
  const more = useSignal<{ lines: AuditLine[]; next: string | null } | null>(null);
  const asked = useAsked(() => readAudit(wanted.value), wanted.value);
  const { busy, run } = useDoing();
  const set = (change: Partial<AuditWanted>) => {
    filled.value = { ...filled.value, ...change };
  };
  return (
    <section>
      {seesEverywhere.value ? <VerifyPanel /> : <p class="panel-hint">{words.check.ofWhole}</p>}
      <form
        class="admin-form"
        onSubmit={(event) => {
          event.preventDefault();
          more.value = null;
          wanted.value = {
            ...filled.value,
            from: midnight(filled.value.from, 0),
            to: midnight(filled.value.to, 1),
          };
        }}
      >
        <label class="field">
          {words.chain}
          <select
            name="chain"
            value={filled.value.chain}
            onChange={(event) =>
              set({ chain: event.currentTarget.value as AuditWanted["chain"], action: "" })
            }
          >
            <option value="audit">{words.chains.audit}</option>
            <option value="cases">{words.chains.cases}</option>
          </select>
        </label>
        <ActionChoice
          chain={filled.value.chain}
          value={filled.value.action}
          choose={(action) => set({ action })}
        />
        {FIELDS.map((each) => (
          <label key={each} class="field">
            {words[each]}
            <input
              name={each}
              value={filled.value[each]}
              onInput={(event) => set({ [each]: event.currentTarget.value })}
            />
          </label>
        ))}
        {(["from", "to"] as const).map((each) => (
          <label key={each} class="field">
            {words[each]}
            <input
              type="date"
              name={each}
              value={filled.value[each]}
              onInput={(event) => set({ [each]: event.currentTarget.value })}
            />
          </label>
        ))}
        <div class="admin-tools">
          <button type="submit" class="button button-primary">
            {words.search}
          </button>
          <a class="button" href={auditExport(wanted.value)} download="audit.csv">
            CSV
          </a>
        </div>
      </form>
      <Shown asked={asked}>
        {(first) => {
          const lines = [...first.items, ...(more.value?.lines ?? [])];
          const next = (more.value === null ? first.next : more.value.next) ?? null;
          return (
            <>
              <Lines lines={lines} />
              {lines.length === 0 && <p class="list-empty">{words.empty}</p>}
              {next !== null && (
                <button
                  type="button"
                  class="button"
                  disabled={busy.value}
                  onClick={() =>
                    run(async () => {
                      const page = await readAudit(wanted.value, next);
                      const before = more.value?.lines ?? [];
                      more.value = { lines: [...before, ...page.items], next: page.next ?? null };
                    })
                  }
                >
                  {words.more}
                </button>
              )}
            </>
          );
        }}
      </Shown>
    </section>
  );
}
