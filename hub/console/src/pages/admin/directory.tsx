/** The directory: one table at a time, edited row by row, taken out and put in as a file. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import {
  type Changed,
  type Drawn,
  exportOf,
  type Finding,
  findingsOf,
  importFile,
  isDrawn,
  type Row,
  readTable,
  removeRow,
  TABLES,
  type Table,
  writeRow,
} from "../../data/admin";
import { t } from "../../i18n";
import { COLUMNS, type Filled, filledFrom, keyOf, lackingIn, rowOf, valueAt } from "../../logic/directory";
import { Failure, Shown, useAsked, useDoing } from "../../parts/asked";
import { Dialog } from "../../parts/dialog";
import { Said } from "../../parts/said";
import { Scroll } from "../../parts/scroll";
import { SearchBox } from "../../parts/search-box";
import { useVirtual } from "../../parts/virtual";

const ROW_PX = 45;

function columnName(path: string): string {
  const names: Record<string, string> = t.value.admin.columns;
  return Object.hasOwn(names, path) ? (names[path] ?? path) : path;
}

/** One of the choices of a column in words; anything else as it is. */
function shownAs(value: string, choices: readonly string[] | undefined): string {
  const words: Record<string, string> = t.value.admin.choices;
  return choices?.includes(value) ? (words[value] ?? value) : value;
}

function Findings({ found }: { found: readonly Finding[] }) {
  if (found.length === 0) return null;
  const words = t.value.admin.directory;
  return (
    <ul class="findings" aria-label={words.findings}>
      {found.map((each, index) => (
        <li key={index} class={each.gravity === "error" ? "finding finding-error" : "finding"}>
          <strong>{words.gravity[each.gravity]}</strong>{" "}
          {typeof each.row === "number" && <span>{words.row(each.row)} </span>}
          {each.key && <Said class="number">{each.key}</Said>} <Said>{each.message}</Said>
          <Said class="finding-remedy">{each.remedy}</Said>
        </li>
      ))}
    </ul>
  );
}

function Editor({
  table,
  row,
  version,
  close,
  done,
}: {
  table: Table;
  row: Row | null;
  version: number;
  close: () => void;
  done: () => void;
}) {
  const words = t.value.admin;
  const filled = useSignal<Filled>(filledFrom(table, row));
  const asked = useSignal(false);
  const { busy, error, run } = useDoing();
  const lacking = asked.value ? lackingIn(table, filled.value) : [];
  const save = () => {
    asked.value = true;
    if (lackingIn(table, filled.value).length > 0) return;
    const next = rowOf(table, filled.value);
    run(async () => {
      await writeRow(table, keyOf(table, next), next, version);
      done();
    });
  };
  return (
    <Dialog title={row === null ? words.directory.add : words.directory.edit} close={close}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        {COLUMNS[table].map(({ path, choices, key, optional }) => {
          const given = {
            id: `row-${path}`,
            value: filled.value[path] ?? "",
            disabled: key === true && row !== null,
            "aria-invalid": lacking.includes(path),
            onInput: (event: Event) => {
              const value = (event.currentTarget as HTMLInputElement).value;
              filled.value = { ...filled.value, [path]: value };
            },
          };
          return (
            <label key={path} class="field" htmlFor={`row-${path}`}>
              {columnName(path)}
              {optional && <span class="field-free">{words.optional}</span>}
              {choices === undefined ? (
                <input name={path} {...given} />
              ) : (
                <select name={path} {...given}>
                  {choices.map((each) => (
                    <option key={each} value={each}>
                      {words.choices[each as keyof typeof words.choices] ?? each}
                    </option>
                  ))}
                </select>
              )}
            </label>
          );
        })}
        {lacking.length > 0 && (
          <p class="form-error" role="alert">
            {words.lacking(lacking.map(columnName).join(t.value.joiner))}
          </p>
        )}
        <Failure error={error.value} />
        <Findings found={findingsOf(error.value)} />
        <div class="dialog-buttons">
          <button type="submit" class="button button-primary" disabled={busy.value}>
            {words.save}
          </button>
          <button type="button" class="button" onClick={close}>
            {t.value.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Counts({ changed }: { changed: Changed }) {
  const words = t.value.admin.directory;
  if (changed.changes.length === 0) return <p role="status">{words.nothingChanges}</p>;
  return (
    <ul role="status">
      {changed.changes.map((each) => (
        <li key={each.table}>
          {words.tables[each.table as keyof typeof words.tables] ?? each.table}
          {t.value.colon}
          {words.counts(each.added, each.changed, each.removed)}
        </li>
      ))}
    </ul>
  );
}

/** Looks at a file first and shows everything that is wrong; only then it can be taken. */
function Import({ table, version, done }: { table: Table | Drawn; version: number; done: () => void }) {
  const words = t.value.admin.directory;
  const form =
    table === "risk-areas" ? `GeoJSON · ${words.tables.risk_areas}` : isDrawn(table) ? "GeoJSON" : "CSV";
  const input = useRef<HTMLInputElement>(null);
  const looked = useSignal<{ file: File; changed: Changed } | null>(null);
  const { busy, error, run } = useDoing();
  const look = (file: File) =>
    run(async () => {
      looked.value = null;
      looked.value = { file, changed: await importFile(table, file, version, true) };
    });
  const take = (file: File) =>
    run(async () => {
      await importFile(table, file, version, false);
      looked.value = null;
      done();
    });
  const found = looked.value;
  return (
    <>
      <div class="admin-tools">
        <a
          class="button button-small"
          href={exportOf(table)}
          download={isDrawn(table) ? `${table}.geojson` : `${table}.csv`}
        >
          {words.export(form)}
        </a>
        <button
          type="button"
          class="button button-small"
          disabled={busy.value}
          onClick={() => input.current?.click()}
        >
          {words.import(form)}
        </button>
        <input
          ref={input}
          type="file"
          class="visually-hidden"
          tabIndex={-1}
          aria-label={words.import(form)}
          accept={isDrawn(table) ? ".geojson,.json" : ".csv,text/csv"}
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) look(file);
          }}
        />
      </div>
      <Failure error={error.value} />
      <Findings found={findingsOf(error.value)} />
      {found !== null && (
        <div class="panel">
          <h3>{words.wouldChange(found.file.name)}</h3>
          <Counts changed={found.changed} />
          <Findings found={found.changed.warnings} />
          <div class="admin-tools">
            <button
              type="button"
              class="button button-primary"
              disabled={busy.value}
              onClick={() => take(found.file)}
            >
              {words.take}
            </button>
            <button
              type="button"
              class="button"
              onClick={() => {
                looked.value = null;
              }}
            >
              {t.value.cancel}
            </button>
          </div>
        </div>
      )}
    </>
  );
}

function Rows({
  table,
  rows,
  edit,
  remove,
}: {
  table: Table;
  rows: readonly Row[];
  edit: (row: Row) => void;
  remove: (row: Row) => void;
}) {
  const words = t.value.admin;
  const columns = COLUMNS[table];
  const virtual = useVirtual<HTMLTableSectionElement>(rows.length, ROW_PX, true);
  return (
    <Scroll label={words.directory.tables[table]}>
      <table class="table">
        <thead>
          <tr>
            {columns.map(({ path }) => (
              <th key={path} scope="col">
                {columnName(path)}
              </th>
            ))}
            <th scope="col">{words.change}</th>
          </tr>
        </thead>
        <tbody ref={virtual.list}>
          {virtual.before}
          {rows.slice(virtual.from, virtual.to).map((row) => (
            <tr key={keyOf(table, row)}>
              {columns.map(({ path, choices }) => (
                <td key={path}>
                  <Said>{shownAs(valueAt(row, path), choices)}</Said>
                </td>
              ))}
              <td class="admin-row-tools">
                <button type="button" class="button button-small" onClick={() => edit(row)}>
                  {words.directory.edit}
                  <span class="visually-hidden"> {keyOf(table, row)}</span>
                </button>
                <button type="button" class="button button-small" onClick={() => remove(row)}>
                  {words.remove}
                  <span class="visually-hidden"> {keyOf(table, row)}</span>
                </button>
              </td>
            </tr>
          ))}
          {virtual.after}
        </tbody>
      </table>
    </Scroll>
  );
}

function TableSection({ table }: { table: Table }) {
  const words = t.value.admin;
  const asked = useAsked(() => readTable(table));
  const edited = useSignal<{ row: Row | null } | null>(null);
  const removing = useSignal<Row | null>(null);
  const search = useSignal("");
  const { busy, error, run } = useDoing();
  return (
    <Shown asked={asked}>
      {({ items, version }) => {
        const wanted = search.value.trim().toLowerCase();
        const fits = (row: Row) =>
          COLUMNS[table].some(({ path }) => valueAt(row, path).toLowerCase().includes(wanted));
        const rows = wanted === "" ? items : items.filter(fits);
        const gone = removing.value;
        return (
          <>
            <div class="admin-tools">
              <SearchBox search={search} />
              <span role="status">{words.shown(rows.length, items.length)}</span>
              <button
                type="button"
                class="button button-small"
                onClick={() => {
                  edited.value = { row: null };
                }}
              >
                {words.directory.add}
              </button>
            </div>
            <Import table={table} version={version} done={() => void asked.again()} />
            {table === "areas" && (
              <Import table="outlines" version={version} done={() => void asked.again()} />
            )}
            {table === "hazards" && (
              <Import table="risk-areas" version={version} done={() => void asked.again()} />
            )}
            {items.length === 0 ? (
              <p class="list-empty">{words.empty}</p>
            ) : (
              <Rows
                table={table}
                rows={rows}
                edit={(row) => {
                  edited.value = { row };
                }}
                remove={(row) => {
                  error.value = null;
                  removing.value = row;
                }}
              />
            )}
            {edited.value !== null && (
              <Editor
                table={table}
                row={edited.value.row}
                version={version}
                close={() => {
                  edited.value = null;
                }}
                done={() => {
                  edited.value = null;
                  void asked.again();
                }}
              />
            )}
            {gone !== null && (
              <Dialog
                title={words.removeSure(keyOf(table, gone))}
                close={() => {
                  removing.value = null;
                }}
              >
                <Failure error={error.value} />
                <Findings found={findingsOf(error.value)} />
                <div class="dialog-buttons">
                  <button
                    type="button"
                    class="button button-primary"
                    disabled={busy.value}
                    onClick={() =>
                      run(async () => {
                        await removeRow(table, keyOf(table, gone), version);
                        removing.value = null;
                        await asked.again();
                      })
                    }
                  >
                    {words.remove}
                  </button>
                  <button
                    type="button"
                    class="button"
                    onClick={() => {
                      removing.value = null;
                    }}
                  >
                    {t.value.cancel}
                  </button>
                </div>
              </Dialog>
            )}
          </>
        );
      }}
    </Shown>
  );
}

export function DirectorySection() {
  const table = useSignal<Table>("areas");
  const words = t.value.admin.directory;
  return (
    <section>
      <fieldset class="admin-tabs" aria-label={words.choose}>
        {TABLES.map((each) => (
          <button
            key={each}
            type="button"
            class="button button-small"
            aria-pressed={table.value === each}
            onClick={() => {
              table.value = each;
            }}
          >
            {words.tables[each]}
          </button>
        ))}
      </fieldset>
      <TableSection key={table.value} table={table.value} />
    </section>
  );
}
