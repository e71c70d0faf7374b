/** The field that narrows the list below it. */
import type { Signal } from "@preact/signals";
import { t } from "../i18n";

export function SearchBox({ search }: { search: Signal<string> }) {
  const label = t.value.admin.search;
  return (
    <label class="admin-search">
      <span class="visually-hidden">{label}</span>
      <input
        type="search"
        placeholder={label}
        value={search.value}
        onInput={(event) => {
          search.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}
