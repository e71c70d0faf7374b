/** One case on one page: what, where, why, how it went so far, what may be done next and what is missing. */
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { afterCaseEvent, loadCase, loadSeries } from "../data/cases";
import { now } from "../data/clock";
import { ApiError } from "../data/http";
import { onReload } from "../data/live";
import { sites } from "../data/sites";
import type { Case, CaseSeries } from "../data/types";
import { pending, perform } from "../duty/actions";
import { commandOf } from "../duty/keys";
import { muteUntilNext } from "../duty/shift";
import { headline, inArea, inPlace, kindName, problemInWords, said, t } from "../i18n";
import { isOpen, waits } from "../logic/loop";
import { lacks } from "../logic/missing";
import { go } from "../logic/route";
import { Actions } from "../parts/actions";
import { Alerts } from "../parts/alerts";
import { CaseNotice } from "../parts/case-parts";
import { Chart } from "../parts/chart";
import { AckClock, Age, Moment } from "../parts/clock";
import { type EvidenceKeeper, Keeper } from "../parts/evidence-keeper";
import { EvidencePanel, upload } from "../parts/evidence-panel";
import { Guard } from "../parts/guard";
import { History } from "../parts/history";
import { Icon } from "../parts/icons";
import { helpOpen } from "../parts/keys-help";
import { KinPanel } from "../parts/kin";
import { Link } from "../parts/link";
import { Said } from "../parts/said";
import { SeverityBadge } from "../parts/severity";
import { SimilarPanel } from "../parts/similar";
import { Way } from "../parts/way";

type Loaded = { is: "loading" } | { is: "failed"; error: unknown } | { is: "loaded"; case: Case };

/** Loads the case and keeps it fresh: events only say that it changed, the whole is read again. */
function useCase(id: number): { loaded: Signal<Loaded>; take: (found: Case) => void; again: () => void } {
  const loaded = useSignal<Loaded>({ is: "loading" });
  const take = useRef((found: Case) => {
    const held = loaded.peek();
    if (held.is !== "loaded" || found.version >= held.case.version)
      loaded.value = { is: "loaded", case: found };
  }).current;
  const again = useRef(async () => {
    try {
      take(await loadCase(id));
    } catch (error) {
      if (loaded.peek().is !== "loaded") loaded.value = { is: "failed", error };
    }
  }).current;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => void again(), 150);
    };
    const ends = [
      onReload(soon),
      afterCaseEvent((event) => {
        const held = loaded.peek();
        if (event.case.id === id && !(held.is === "loaded" && held.case.version >= event.case.version))
          soon();
      }),
    ];
    void again();
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [id, again, loaded]);
  return { loaded, take, again: () => void again() };
}

function useSeries(found: Case): { series: Signal<CaseSeries | null>; failed: Signal<boolean> } {
  const series = useSignal<CaseSeries | null>(null);
  const failed = useSignal(false);
  const alerts = found.alerts
    .map((each) => `${each.alert.id}${each.revisions}${each.cleared_at ?? ""}`)
    .join();
  useEffect(() => {
    let current = true;
    const read = async () => {
      try {
        const read = await loadSeries(found.id);
        if (!current) return;
        series.value = read;
        failed.value = false;
      } catch {
        if (current) failed.value = true;
      }
    };
    void read();
    // While the time after the alert is still running, new readings come in.
    const timer = setInterval(() => {
      if (series.value === null || Date.parse(series.value.to) > now.peek() - 60_000) void read();
    }, 15_000);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [found.id, alerts, series, failed]);
  return { series, failed };
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Facts({ found }: { found: Case }) {
  const words = t.value.case;
  const site = sites.value.get(found.site.id);
  const place = inPlace(found.place);
  const address = said(site?.address);
  const unknown = new Set(
    found.alerts.filter(({ alert }) => alert.device_known === false).map(({ alert }) => alert.device),
  );
  return (
    <section class="panel" aria-labelledby="where-heading">
      <h2 id="where-heading">{words.where}</h2>
      <dl class="facts">
        <Fact name={words.site}>
          <Said>{said(found.site.name) || found.site.id}</Said>
          {found.site.known === false && <span class="tag tag-warning">{words.siteUnknown}</span>}
        </Fact>
        <Fact name={words.place}>{place ? <Said>{place}</Said> : t.value.unknown}</Fact>
        <Fact name={words.address}>{address ? <Said>{address}</Said> : t.value.unknown}</Fact>
        <Fact name={words.area}>
          {found.area_path.length > 0 ? <Said>{inArea(found.area_path)}</Said> : t.value.unknown}
        </Fact>
        {site?.building_code && (
          <Fact name={words.buildingCode}>
            <Said class="number">{site.building_code}</Said>
          </Fact>
        )}
        <Fact name={words.devices}>
          <ul class="plain">
            {found.devices.map((device) => (
              <li key={device}>
                <Said class="number">{device}</Said>
                {unknown.has(device) && <span class="tag tag-warning">{words.deviceUnknown}</span>}
              </li>
            ))}
          </ul>
        </Fact>
      </dl>
    </section>
  );
}

function Missing({ found, series }: { found: Case; series: CaseSeries | null }) {
  const lack = lacks(found, sites.value.get(found.site.id), series);
  return (
    <section class="panel" aria-labelledby="missing-heading">
      <h2 id="missing-heading">{t.value.case.missing}</h2>
      {lack.length === 0 ? (
        <p class="good">
          <Icon name="check" /> {t.value.case.missingNone}
        </p>
      ) : (
        <ul class="lacks">
          {lack.map((each) => (
            <li key={each}>{t.value.lack[each]}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Flags({ found }: { found: Case }) {
  const words = t.value.flags;
  return (
    <>
      {found.urgent && <span class="tag tag-warning">{words.urgent}</span>}
      {found.card && found.card !== "none" && (
        <span class={`tag tag-card-${found.card}`}>{t.value.card[found.card]}</span>
      )}
      {found.level && <span class="tag">{words.level(found.level)}</span>}
      {found.extended ? <span class="tag">{words.extended(found.extended)}</span> : null}
    </>
  );
}

/** Who has it and until when; nothing before it is dispatched. */
function Duty({ found }: { found: Case }) {
  const words = t.value.flags;
  const late = found.due_at && isOpen(found) && Date.parse(found.due_at) < now.value;
  return (
    <>
      {found.unit && (
        <div>
          <dt>{words.unit}</dt>
          <dd>
            <Said>{said(found.unit.name)}</Said>
          </dd>
        </div>
      )}
      {found.due_at && (
        <div>
          <dt>{words.due}</dt>
          <dd>
            <Moment time={found.due_at} /> {late && <span class="tag tag-warning">{words.overdue}</span>}
          </dd>
        </div>
      )}
    </>
  );
}

function Heading({ found }: { found: Case }) {
  const acknowledger = found.transitions.find((each) => each.actor === found.acknowledged_by)?.actor_name;
  const place = inPlace(found.place);
  const words = t.value.case;
  return (
    <div class={`case-head case-head-${found.severity}`}>
      <div class="case-head-top">
        <SeverityBadge severity={found.severity} />
        <span class="case-number">
          {words.number} <span class="number">{found.number}</span>
        </span>
        {headline(found) !== said(found.category_name) && (
          <Said class="case-category">{said(found.category_name)}</Said>
        )}
        <Said class="case-kinds">{found.kinds.map(kindName).join(t.value.joiner)}</Said>
        <Flags found={found} />
      </div>
      <h1 class="case-title">
        <Said>{headline(found)}</Said>
      </h1>
      <p class="case-where">
        <Icon name="place" />
        <Said>{said(found.site.name) || found.site.id}</Said>
        {place && <Said>{place}</Said>}
      </p>
      <dl class="case-clocks">
        <div>
          <dt>{words.opened}</dt>
          <dd>
            <Moment time={found.opened_at} />
          </dd>
        </div>
        <div>
          <dt>{words.age}</dt>
          <dd>
            <Age since={found.opened_at} />
          </dd>
        </div>
        <div>
          <dt>{t.value.ack.within}</dt>
          <dd>
            <AckClock found={found} name={acknowledger} />
          </dd>
        </div>
        <Duty found={found} />
      </dl>
    </div>
  );
}

function ChartPanel({ series, failed }: { series: CaseSeries | null; failed: boolean }) {
  const words = t.value.case;
  return (
    <section class="panel" aria-labelledby="chart-heading">
      <h2 id="chart-heading">{words.chart}</h2>
      {series !== null ? (
        <Guard what={words.chart} from={series}>
          <Chart data={series} />
        </Guard>
      ) : (
        <p class="empty">{failed ? words.chartFailed : t.value.loading}</p>
      )}
    </section>
  );
}

function Whole({ found, take, again }: { found: Case; take: (found: Case) => void; again: () => void }) {
  const { series, failed } = useSeries(found);
  useCaseKeys(found, take);
  const keeper: EvidenceKeeper = { keep: (file) => upload(found.id, file), taken: [], note: "uploads" };
  return (
    <Keeper.Provider value={keeper}>
      {found.is_drill && <p class="drill-band">{t.value.case.drill}</p>}
      <Heading found={found} />
      <Way found={found} />
      <CaseNotice id={found.id} />
      <div class="case-columns">
        <div class="case-main">
          <Alerts found={found} take={take} />
          <ChartPanel series={series.value} failed={failed.value} />
          <EvidencePanel found={found} />
        </div>
        <div class="case-side">
          <Actions found={found} take={take} />
          <KinPanel found={found} take={take} again={again} />
          <SimilarPanel found={found} take={take} again={again} />
          <Missing found={found} series={series.value} />
          <Facts found={found} />
          <History found={found} />
        </div>
      </div>
    </Keeper.Provider>
  );
}

function useCaseKeys(found: Case, take: (found: Case) => void): void {
  const press = (event: KeyboardEvent) => {
    const key = commandOf(event);
    if (key === "b") go("/");
    else if (key === "m") muteUntilNext();
    else if (key === "?") helpOpen.value = true;
    else if (key === "a" && waits(found) && !pending.value.has(found.id)) {
      void perform(found, "acknowledge").then((outcome) => {
        if (outcome?.is === "done") take(outcome.case);
        if (outcome?.is === "conflict") take(outcome.current);
      });
    } else return;
    event.preventDefault();
  };
  const pressed = useRef(press);
  pressed.current = press;
  // Before the page is painted: a key pressed on what is seen must find its listener.
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => pressed.current(event);
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, []);
}

export function CasePage({ id }: { id: number }) {
  const { loaded, take, again } = useCase(id);
  const state = loaded.value;
  return (
    <main class="case" id="main">
      <div class="case-tools">
        <Link to="/" class="back">
          <Icon name="back" />
          {t.value.back}
        </Link>
        <Link to={`/cases/${id}/sheet`} class="back">
          <Icon name="print" />
          {t.value.sheet.open}
        </Link>
      </div>
      {state.is === "loading" && <p class="note">{t.value.loading}</p>}
      {state.is === "failed" && (
        <div class="note note-bad" role="alert">
          {state.error instanceof ApiError && state.error.problem.status === 404
            ? t.value.case.gone
            : t.value.case.failed + problemInWords(state.error)}
          <button type="button" class="button button-small" onClick={again}>
            {t.value.again}
          </button>
        </div>
      )}
      {state.is === "loaded" && <Whole found={state.case} take={take} again={again} />}
    </main>
  );
}
