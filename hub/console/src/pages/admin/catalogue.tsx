/** The catalogue of categories with their limits and conditions. */
import { type Category, type Limit, readCatalogue } from "../../data/admin";
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

export function CatalogueSection() {
  const words = t.value.admin.catalogue;
  const asked = useAsked(readCatalogue);
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
    </section>
  );
}
