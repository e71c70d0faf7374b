/** Child hubs: how each of them is, and the cases that came up from them. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import {
  type ChildCase,
  type ChildFilter,
  childHubs,
  childHubsError,
  followChildHubs,
  loadChildCases,
  loadChildHubs,
  marksOf,
  seesChildren,
} from "../data/children";
import { now } from "../data/clock";
import { CASE_STATES, SEVERITIES } from "../data/types";
import { inArea, inPlace, problemInWords, said, span, t } from "../i18n";
import { isLate } from "../logic/children";
import { parameters, setParameters } from "../logic/route";
import { Shown, useAsked, useDoing } from "../parts/asked";
import { ChildCard, childName, stateName } from "../parts/child-parts";
import { Choice } from "../parts/choice";
import { Link } from "../parts/link";
import { Said } from "../parts/said";
import { SeverityBadge, SeverityShape } from "../parts/severity";

const STATES = ["open", "ended", "all"] as const;
const ONLY = ["cards", "late", "calls"] as const;
const oneOf = (value: string | null, known: readonly string[]) =>
  value !== null && known.includes(value) ? value : "";

/** The filter in the address; what is not one is left out. */
function filterNow(): ChildFilter {
  const given = parameters.value;
  const severities = (given.get("severity") ?? "").split(",");
  return {
    hub: given.get("hub") ?? "",
    state: oneOf(given.get("state"), STATES) || "open",
    severity: SEVERITIES.filter((each) => severities.includes(each)).join(","),
    step: oneOf(given.get("step"), CASE_STATES),
    only: oneOf(given.get("only"), ONLY),
  };
}

interface FilterGiven {
  label: string;
  name: keyof ChildFilter;
  value: string;
  /** `[value, words]`; the first is the one without a parameter in the address. */
  choices: (readonly [string, string])[];
}

function FilterChoice(given: FilterGiven) {
  const usual = given.choices[0]?.[0];
  return (
    <Choice
      {...given}
      choose={(chosen) => setParameters({ [given.name]: chosen === usual ? null : chosen })}
    />
  );
}

function Filters({ filter }: { filter: ChildFilter }) {
  const words = t.value.children;
  const chosen = filter.severity.split(",").filter((each) => each !== "");
  const toggle = (severity: string) => {
    const next = chosen.includes(severity)
      ? chosen.filter((each) => each !== severity)
      : [...chosen, severity].sort();
    setParameters({ severity: next.length === 0 || next.length === SEVERITIES.length ? null : next.join() });
  };
  const set = [filter.hub, filter.severity, filter.step, filter.only].some((each) => each !== "");
  const hubs = (childHubs.value ?? []).map(({ id, name }) => [id, name || id] as const);
  return (
    <fieldset class="child-filter">
      <legend class="visually-hidden">{words.filters}</legend>
      <FilterChoice
        label={words.hub}
        name="hub"
        value={filter.hub}
        choices={[["", words.allHubs], ...hubs]}
      />
      <FilterChoice
        label={words.which}
        name="state"
        value={filter.state}
        choices={STATES.map((each) => [each, words.states[each]])}
      />
      <FilterChoice
        label={words.step}
        name="step"
        value={filter.step}
        choices={[["", words.anyStep], ...CASE_STATES.map((each) => [each, t.value.state[each]] as const)]}
      />
      <FilterChoice
        label={words.only}
        name="only"
        value={filter.only}
        choices={[["", words.onlyNone], ...ONLY.map((each) => [each, words.onlyWhat[each]] as const)]}
      />
      <fieldset class="filter-severities">
        <legend class="visually-hidden">{words.severity}</legend>
        {SEVERITIES.map((each) => (
          <button
            type="button"
            key={each}
            class="chip"
            aria-pressed={chosen.includes(each)}
            onClick={() => toggle(each)}
          >
            <SeverityShape severity={each} />
            {t.value.severity[each]}
          </button>
        ))}
      </fieldset>
      {(set || filter.state !== "open") && (
        <button
          type="button"
          class="button button-small"
          onClick={() => setParameters({ hub: null, state: null, severity: null, step: null, only: null })}
        >
          {words.clear}
        </button>
      )}
    </fieldset>
  );
}

function Row({ given: { hub, case: found, lost_at } }: { given: ChildCase }) {
  const words = t.value.children;
  const place = inPlace(found.place);
  const due = found.due_at ? Date.parse(found.due_at) : null;
  return (
    <tr data-child-case={`${hub}/${found.case}`}>
      <td>
        <SeverityBadge severity={found.severity} />
      </td>
      <td>
        <Link to={`/children/${hub}/${found.case_epoch}/${found.case}`}>
          <Said>{said(found.title)}</Said>
        </Link>{" "}
        {place && <Said>{place}</Said>} <span class="number">{found.number}</span>{" "}
        {lost_at && <span class="tag tag-warning">{words.lostShort}</span>}{" "}
        {found.is_drill && <span class="drill">{words.drill}</span>}
        {found.urgent && <span class="tag tag-warning">{words.urgent}</span>}{" "}
        {(found.card === "yellow" || found.card === "red") && (
          <span class={`tag tag-card-${found.card}`}>{t.value.card[found.card]}</span>
        )}
      </td>
      <td>
        <Said>{childName(hub)}</Said> <Said class="child-soft">{said(found.area_path?.at(-1)?.name)}</Said>
      </td>
      <td>
        <Said>{stateName(found.state)}</Said>{" "}
        {found.unit && <Said class="child-soft">{said(found.unit.name) || found.unit.code}</Said>}
      </td>
      <td>
        {due === null || !found.is_open ? (
          t.value.none
        ) : isLate(found, now.value) ? (
          <span class="warning">{words.overdue(span(now.value - due))}</span>
        ) : (
          words.left(span(due - now.value))
        )}
      </td>
    </tr>
  );
}

function Table({ items }: { items: readonly ChildCase[] }) {
  const words = t.value.children;
  const { columns } = words;
  return (
    <table class="table child-cases" aria-label={words.casesOf}>
      <thead>
        <tr>
          {(["severity", "what", "from", "state", "due"] as const).map((each) => (
            <th key={each} scope="col">
              {columns[each]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((each) => (
          <Row key={`${each.hub} ${each.case.case_epoch} ${each.case.case}`} given={each} />
        ))}
      </tbody>
    </table>
  );
}

/** The list holds still: what came meanwhile is told above it, and shown when somebody asks for it. */
function Cases() {
  const words = t.value.children;
  const filter = filterNow();
  const key = Object.values(filter).join("\n");
  const more = useSignal<{ items: ChildCase[]; next: string | null }>({ items: [], next: null });
  const marks = useSignal("");
  const { busy, error, run } = useDoing();
  const asked = useAsked(async () => {
    const seen = marksOf(childHubs.peek() ?? []);
    const page = await loadChildCases(filter);
    more.value = { items: page.items, next: page.next ?? null };
    marks.value = seen;
    return page;
  }, key);
  const current = marksOf(childHubs.value ?? []);
  return (
    <section class="panel" aria-labelledby="child-cases-heading">
      <h2 id="child-cases-heading">{words.casesOf}</h2>
      <Filters filter={filter} />
      <div role="status">
        {asked.value.value !== null && current !== marks.value && (
          <p class="note note-warning">
            {words.moved}
            <button type="button" class="button button-small" onClick={() => void asked.again()}>
              {words.refresh}
            </button>
          </p>
        )}
      </div>
      <Shown asked={asked}>
        {() =>
          more.value.items.length === 0 ? (
            <p class="list-empty">{words.noCases}</p>
          ) : (
            <>
              <Table items={more.value.items} />
              <p class="child-more">
                <span class="child-soft">{words.shown(more.value.items.length)}</span>
                {more.value.next !== null && (
                  <button
                    type="button"
                    class="button"
                    disabled={busy.value}
                    onClick={() =>
                      run(async () => {
                        const page = await loadChildCases(filter, more.value.next);
                        const items = [...more.value.items, ...page.items];
                        more.value = { items, next: page.next ?? null };
                      })
                    }
                  >
                    {words.more}
                  </button>
                )}
              </p>
              {error.value !== null && (
                <p class="form-error" role="alert">
                  {problemInWords(error.value)}
                </p>
              )}
            </>
          )
        }
      </Shown>
    </section>
  );
}

export function ChildrenPage() {
  useEffect(() => followChildHubs(), []);
  const words = t.value.children;
  const all = childHubs.value;
  return (
    <main class="page" id="main">
      <h1>{words.title}</h1>
      {childHubsError.value !== null && (
        <div class="note note-bad" role="alert">
          {words.failed}
          {problemInWords(childHubsError.value)}
          <button type="button" class="button button-small" onClick={() => void loadChildHubs()}>
            {t.value.again}
          </button>
        </div>
      )}
      {all === null && childHubsError.value === null && <p class="note">{t.value.loading}</p>}
      {all?.length === 0 && !seesChildren.value && <p class="list-empty">{words.empty}</p>}
      {all !== null && all.length > 0 && (
        <ul class="gateways">
          {all.map((child) => (
            <ChildCard key={child.id} child={child} area={inArea(child.area_path)} />
          ))}
        </ul>
      )}
      {all !== null && seesChildren.value && <Cases />}
    </main>
  );
}
