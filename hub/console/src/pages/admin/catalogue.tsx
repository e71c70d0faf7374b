/** The catalogue of categories with their limits and conditions, and the calendar of working time. */
import { useSignal } from "@preact/signals";
import {
  type CalendarYear,
  type Category,
  type Limit,
  readCalendar,
  readCalendarWarnings,
  readCatalogue,
} from "../../data/admin";
import { now as hubTime } from "../../data/clock";
import { session } from "../../data/session";
import { said, t } from "../../i18n";
import { Shown, useAsked } from "../../parts/asked";
import { Said } from "../../parts/said";
import { Scroll } from "../../parts/scroll";
import { SeverityShape } from "../../parts/severity";

const STEPS = ["acknowledge", "file", "dispatch", "disposal", "check"] as const;

function limitInWords({ amount, clock }: Limit): string {
  const words = t.value.admin.catalogue.clock;
  return Object.hasOwn(words, clock) ? words[clock as keyof typeof words](amount) : `${amount} ${clock}`;
}

function CategoryRow({ category }: { category: Category }) {
  const words = t.value.admin.catalogue;
  const conditions = (list: Category["filing"]) =>
    list.map((each) => said(each.name)).join(t.value.joiner) || words.free;
  return (
    <tr>
      <th scope="row">
        <SeverityShape severity={category.severity} /> {t.value.severity[category.severity]}{" "}
        <Said>{said(category.name)}</Said>
        <div class="panel-hint number">
          {category.code} · <Said>{category.standard_ref}</Said>
        </div>
      </th>
      {STEPS.map((step) => (
        <td key={step}>{limitInWords(category.limits[step])}</td>
      ))}
      <td>
        <details>
          <summary>{words.conditions}</summary>
          <p>
            {words.filing}
            {t.value.colon}
            <Said>{conditions(category.filing)}</Said>
          </p>
          <p>
            {words.closing}
            {t.value.colon}
            <Said>{conditions(category.closing)}</Said>
          </p>
        </details>
      </td>
    </tr>
  );
}

function Year({ year }: { year: CalendarYear }) {
  const words = t.value.admin.catalogue;
  const days = Object.entries(year.days);
  const holidays = days.filter(([, hours]) => hours.length === 0);
  const makeup = days.filter(([, hours]) => hours.length > 0);
  const list = (some: [string, string[]][]) =>
    some.map(([date]) => date).join(t.value.joiner) || t.value.none;
  return (
    <>
      {!year.known && <p class="note note-warning">{words.yearUnknown(year.year)}</p>}
      <dl class="admin-facts">
        <dt>{words.week}</dt>
        <dd>
          {year.week
            .map((hours, index) => `${words.weekday[index] ?? ""} ${hours.join(t.value.joiner) || words.off}`)
            .join(" · ")}
        </dd>
        <dt>{words.holidays}</dt>
        <dd class="number">{list(holidays)}</dd>
        <dt>{words.makeup}</dt>
        <dd class="number">{list(makeup)}</dd>
        {year.notice !== "" && (
          <>
            <dt>{words.notice}</dt>
            <dd>
              <Said>{year.notice}</Said>
            </dd>
          </>
        )}
      </dl>
    </>
  );
}

function Warnings() {
  const asked = useAsked(readCalendarWarnings);
  return (
    <>
      {(asked.value.value?.items ?? []).map((each) => (
        <p key={`${each.code} ${each.year}`} class="note note-warning">
          <Said>{said(each.detail)}</Said>
        </p>
      ))}
    </>
  );
}

export function CatalogueSection() {
  const words = t.value.admin.catalogue;
  const asked = useAsked(readCatalogue);
  const year = useSignal(new Date(hubTime.value).getFullYear());
  const calendar = useAsked(() => readCalendar(year.value), year.value);
  const role = session.value.is === "signed-in" ? session.value.session.role : "";
  return (
    <section>
      <Shown asked={asked}>
        {({ version, items }) => (
          <>
            <p class="panel-hint">{words.version(version, items.length)}</p>
            <Scroll label={t.value.admin.sections.catalogue}>
              <table class="table">
                <thead>
                  <tr>
                    <th scope="col">{words.category}</th>
                    {STEPS.map((step) => (
                      <th key={step} scope="col">
                        {words.step[step]}
                      </th>
                    ))}
                    <th scope="col">{words.conditions}</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((category) => (
                    <CategoryRow key={category.code} category={category} />
                  ))}
                </tbody>
              </table>
            </Scroll>
          </>
        )}
      </Shown>
      <h2>{words.calendar}</h2>
      {role === "administrator" && <Warnings />}
      <label class="admin-year">
        {words.year}
        <input
          type="number"
          min={2020}
          max={2100}
          value={year.value}
          onChange={(event) => {
            const given = Number(event.currentTarget.value);
            if (Number.isInteger(given) && given >= 1970 && given <= 9998) year.value = given;
          }}
        />
      </label>
      <Shown asked={calendar}>{(found) => <Year year={found} />}</Shown>
    </section>
  );
}
