/** Silences and maintenance windows: what is hidden now, why, until when; made and ended by shift leaders. */
import { useSignal } from "@preact/signals";
import { endSilence, makeSilence, readCatalogue, readSilences, type Silence } from "../../data/admin";
import { now as hubTime } from "../../data/clock";
import { session } from "../../data/session";
import { sites } from "../../data/sites";
import { at, said, t } from "../../i18n";
import { parameters } from "../../logic/route";
import { Failure, Shown, useAsked, useDoing } from "../../parts/asked";
import { Said } from "../../parts/said";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
const MAY = ["shift_leader", "supervisor", "leader", "administrator"];
const HOUR_MS = 3_600_000;
const SPANS = [1, 4, 8, 24, 72, 168] as const;

function Matcher({ of }: { of: Silence["matcher"] }) {
  const words = t.value.admin.silence;
  const parts = Object.entries(of).filter(([, value]) => value !== undefined && value !== null);
  return (
    <ul class="admin-matcher">
      {parts.map(([name, value]) => (
        <li key={name}>
          {words.matcher[name as keyof typeof words.matcher] ?? name}
          {t.value.colon}
          <Said>{String(value)}</Said>
        </li>
      ))}
      {parts.length === 0 && <li>{words.everything}</li>}
    </ul>
  );
}

function Maker({ done }: { done: () => void }) {
  const words = t.value.admin.silence;
  const catalogue = useAsked(readCatalogue);
  const why = useSignal("");
  const matcher = useSignal<Record<string, string>>({ site: parameters.value.get("site") ?? "" });
  const hours = useSignal(4);
  const weekly = useSignal({ days: [] as (typeof DAYS)[number][], from: "22:00", until: "06:00" });
  const { busy, error, run } = useDoing();
  const make = () =>
    run(async () => {
      const { days, from, until } = weekly.value;
      const set = Object.entries(matcher.value).filter(([, value]) => value.trim() !== "");
      await makeSilence({
        why: why.value.trim(),
        matcher: Object.fromEntries(set.map(([name, value]) => [name, value.trim()])),
        until: new Date(hubTime.value + hours.value * HOUR_MS).toISOString(),
        weekly: days.map((day) => ({ day, from, until })),
      });
      why.value = "";
      done();
    });
  const field = (name: string) => ({
    value: matcher.value[name] ?? "",
    onInput: (event: Event) => {
      const value = (event.currentTarget as HTMLInputElement).value;
      matcher.value = { ...matcher.value, [name]: value };
    },
  });
  return (
    <form
      class="panel admin-form"
      onSubmit={(event) => {
        event.preventDefault();
        make();
      }}
    >
      <h3>{words.make}</h3>
      <p class="panel-hint">{words.never}</p>
      <label class="field">
        {words.why}
        <input
          name="why"
          required
          value={why.value}
          onInput={(event) => {
            why.value = event.currentTarget.value;
          }}
        />
      </label>
      <label class="field">
        {words.matcher.site}
        <select name="site" {...field("site")}>
          <option value="">{words.any}</option>
          {[...sites.value.values()].map((site) => (
            <option key={site.id} value={site.id}>
              {said(site.name)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        {words.matcher.category}
        <select name="category" {...field("category")}>
          <option value="">{words.any}</option>
          {(catalogue.value.value?.items ?? []).map((each) => (
            <option key={each.code} value={each.code}>
              {said(each.name)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        {words.matcher.area}
        <input name="area" {...field("area")} />
      </label>
      <label class="field">
        {words.matcher.device}
        <input name="device" {...field("device")} />
      </label>
      <label class="field">
        {words.length}
        <select
          name="hours"
          value={hours.value}
          onChange={(event) => {
            hours.value = Number(event.currentTarget.value);
          }}
        >
          {SPANS.map((each) => (
            <option key={each} value={each}>
              {words.hours(each)}
            </option>
          ))}
        </select>
      </label>
      <fieldset class="admin-week">
        <legend>{words.weekly}</legend>
        {DAYS.map((day) => (
          <label key={day}>
            <input
              type="checkbox"
              checked={weekly.value.days.includes(day)}
              onChange={() => {
                const { days } = weekly.value;
                const next = days.includes(day) ? days.filter((each) => each !== day) : [...days, day];
                weekly.value = { ...weekly.value, days: next };
              }}
            />
            {words.day[day]}
          </label>
        ))}
        {weekly.value.days.length > 0 &&
          (["from", "until"] as const).map((end) => (
            <label key={end}>
              {words[end]}
              <input
                type="time"
                value={weekly.value[end]}
                onInput={(event) => {
                  weekly.value = { ...weekly.value, [end]: event.currentTarget.value };
                }}
              />
            </label>
          ))}
      </fieldset>
      <Failure error={error.value} />
      <button type="submit" class="button button-primary" disabled={busy.value || why.value.trim() === ""}>
        {words.make}
      </button>
    </form>
  );
}

export function SilenceSection() {
  const words = t.value.admin.silence;
  const asked = useAsked(readSilences);
  const { busy, error, run } = useDoing();
  const role = session.value.is === "signed-in" ? session.value.session.role : "";
  const may = MAY.includes(role);
  const now = hubTime.value;
  return (
    <section>
      <Failure error={error.value} />
      <Shown asked={asked}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="list-empty">{words.none}</p>
          ) : (
            <ul class="admin-cards">
              {items.map((each) => (
                <li key={each.id} class="panel">
                  <h3>
                    <Said>{each.why}</Said>{" "}
                    <span class={each.ends_soon ? "tag tag-warning" : "tag"}>
                      {each.ends_soon ? words.soon : (words.state[each.state] ?? each.state)}
                    </span>
                  </h3>
                  <Matcher of={each.matcher} />
                  <p>
                    {at(each.from, now)} – {at(each.until, now)} · <Said>{each.by_name}</Said> ·{" "}
                    {words.hides(each.hides)}
                  </p>
                  {each.weekly.map((hours) => (
                    <p key={`${hours.day} ${hours.from}`} class="panel-hint">
                      {words.day[hours.day as (typeof DAYS)[number]] ?? hours.day} {hours.from}–{hours.until}
                    </p>
                  ))}
                  {may && (
                    <button
                      type="button"
                      class="button button-small"
                      disabled={busy.value}
                      onClick={() =>
                        run(async () => {
                          await endSilence(each.id, each.version);
                          await asked.again();
                        })
                      }
                    >
                      {words.end}
                    </button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
      {may && <Maker done={() => void asked.again()} />}
    </section>
  );
}
