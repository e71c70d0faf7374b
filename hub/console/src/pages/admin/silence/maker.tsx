/** Making a silence: what it is about, for how long, and in which hours of the week. */
import { useSignal } from "@preact/signals";
import { useContext } from "preact/hooks";
import { makeSilence } from "../../../data/admin";
import { now as hubTime } from "../../../data/clock";
import { sites } from "../../../data/sites";
import { inPlace, said, t } from "../../../i18n";
import { inTree } from "../../../logic/areas";
import { WEEKDAYS, type Weekday } from "../../../logic/roster";
import { parameters } from "../../../logic/route";
import { type MatcherField, matcherOf } from "../../../logic/silences";
import { Failure, useAsked, useDoing } from "../../../parts/asked";
import { devicesOf, SilenceNames } from "../../../parts/silence-names";

const HOUR_MS = 3_600_000;
const SPANS = [1, 4, 8, 24, 72, 168] as const;

/** The device, once its site is chosen: devices are only known at their site. */
function DeviceField({ site, value, set }: { site: string; value: string; set: (value: string) => void }) {
  const words = t.value.admin.silence;
  const devices = useAsked(() => devicesOf(site), `${site} ${sites.value.size}`).value.value ?? [];
  return (
    <label class="field">
      {words.matcher.device}
      <input
        name="device"
        list="silence-devices"
        autocomplete="off"
        placeholder={words.any}
        value={value}
        onInput={(event) => set(event.currentTarget.value)}
      />
      <datalist id="silence-devices">
        {devices.map((each) => (
          <option key={each.device} value={each.device}>
            {inPlace(each.place)}
          </option>
        ))}
      </datalist>
    </label>
  );
}

export function SilenceMaker({ done }: { done: () => void }) {
  const words = t.value.admin.silence;
  const { areas, categories } = useContext(SilenceNames);
  const why = useSignal("");
  const matcher = useSignal<Partial<Record<MatcherField, string>>>({
    site: parameters.value.get("site") ?? "",
  });
  const hours = useSignal(4);
  const weekly = useSignal({ days: [] as Weekday[], from: "22:00", until: "06:00" });
  const { busy, error, run } = useDoing();
  const make = () =>
    run(async () => {
      const { days, from, until } = weekly.value;
      await makeSilence({
        why: why.value.trim(),
        matcher: matcherOf(matcher.value),
        until: new Date(hubTime.value + hours.value * HOUR_MS).toISOString(),
        weekly: days.map((day) => ({ day, from, until })),
      });
      why.value = "";
      done();
    });
  const set = (name: MatcherField, value: string) => {
    // Another site has other devices.
    const device = name === "site" ? { device: "" } : {};
    matcher.value = { ...matcher.value, ...device, [name]: value };
  };
  const field = (name: MatcherField) => ({
    value: matcher.value[name] ?? "",
    onInput: (event: Event) => set(name, (event.currentTarget as HTMLInputElement).value),
  });
  const site = matcher.value.site ?? "";
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
      {site !== "" && (
        <DeviceField site={site} value={matcher.value.device ?? ""} set={(value) => set("device", value)} />
      )}
      <label class="field">
        {words.matcher.category}
        <select name="category" {...field("category")}>
          <option value="">{words.any}</option>
          {[...categories].map(([code, name]) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        {words.matcher.area}
        <select name="area" {...field("area")}>
          <option value="">{words.any}</option>
          {inTree(areas).map(([each, depth]) => (
            <option key={each.code} value={each.code}>
              {"\u3000".repeat(depth)}
              {said(each.name)} {each.code}
            </option>
          ))}
        </select>
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
        {WEEKDAYS.map((day) => (
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
