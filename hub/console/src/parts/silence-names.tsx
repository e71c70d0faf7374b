/** What a silence is about, by the names of areas, sites, devices and categories. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { readCatalogue, type Silence } from "../data/admin";
import { loadDevices } from "../data/gateways";
import { loadAreas } from "../data/report";
import { sites } from "../data/sites";
import type { Area, DeviceStatus } from "../data/types";
import { inPlace, kindName, said, t } from "../i18n";
import { type NameOf, partsOf } from "../logic/silences";
import { useAsked } from "./asked";
import { Said } from "./said";

/** Devices of so many sites are asked for to name them; a page seldom has silences for more devices than that. */
const SITES_MAX = 20;

/** The devices of a site's gateway; none of a site that nobody knows, or that may not be seen. */
export async function devicesOf(site: string): Promise<readonly DeviceStatus[]> {
  const gateway = sites.peek().get(site)?.gateway;
  if (!gateway) return [];
  return loadDevices(gateway).catch(() => []);
}

export interface Names {
  areas: readonly Area[];
  categories: ReadonlyMap<string, string>;
  nameOf: NameOf;
}

const NOTHING: Names = { areas: [], categories: new Map(), nameOf: () => undefined };
export const SilenceNames = createContext<Names>(NOTHING);

/**
 * Names for these silences; without an answer of the hub there are codes. Only what they need is asked for, or with
 * `whole` everything that one could be made of.
 */
export function useNames(items: readonly Silence[], whole = false): Names {
  const needs = (field: "area" | "category") => whole || items.some(({ matcher }) => Boolean(matcher[field]));
  const [byArea, byCategory] = [needs("area"), needs("category")];
  const areas = useAsked(async () => (byArea ? await loadAreas() : []), byArea).value.value ?? [];
  const catalogue =
    useAsked(async () => (byCategory ? (await readCatalogue()).items : []), byCategory).value.value ?? [];
  const withDevice = items.flatMap(({ matcher }) => (matcher.device && matcher.site ? [matcher.site] : []));
  const wanted = [...new Set(withDevice)].slice(0, SITES_MAX);
  const known = sites.value;
  const devices = useAsked(
    async () =>
      new Map(await Promise.all(wanted.map(async (site) => [site, await devicesOf(site)] as const))),
    `${wanted.join("\n")} ${known.size}`,
  ).value.value;
  const categories = new Map(catalogue.map((each) => [each.code, said(each.name)]));
  const nameOf: NameOf = (field, code, matcher) => {
    if (field === "area") return said(areas.find((each) => each.code === code)?.name);
    if (field === "site") return said(known.get(code)?.name);
    if (field === "category") return categories.get(code);
    if (field === "kind") return kindName(code as Parameters<typeof kindName>[0]);
    const found = devices?.get(matcher.site ?? "")?.find((each) => each.device === code);
    return inPlace(found?.place);
  };
  return { areas, categories, nameOf };
}

export function MatcherWords({ of }: { of: Silence["matcher"] }) {
  const words = t.value.admin.silence;
  const { nameOf } = useContext(SilenceNames);
  const parts = partsOf(of, nameOf);
  return (
    <ul class="admin-matcher">
      {parts.map(({ field, name, code }) => (
        <li key={field}>
          {words.matcher[field]}
          {t.value.colon}
          <Said>{name}</Said>
          {code !== null && (
            <>
              {" "}
              <Said class="panel-hint number">{code}</Said>
            </>
          )}
        </li>
      ))}
      {parts.length === 0 && <li>{words.everything}</li>}
    </ul>
  );
}
