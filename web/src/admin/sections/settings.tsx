import { useAddress } from "../address";
import type { SettingAnswer } from "../answers";
import type { Page } from "../data/page_list";
import { useLoaded } from "../data/use_loaded";
import { Badge } from "../parts/badge";
import { FilterChoice, FilterField } from "../parts/filters";
import { type Column, Problem, Table } from "../parts/table";
import { View } from "../parts/view";
import { texts } from "../texts";

export function Settings() {
  const { q = "", which = "" } = useAddress().filters;
  const { value, problem, reload } = useLoaded<Page<SettingAnswer>>("admin/settings");
  const found = (value?.items ?? []).filter(
    ({ name, source }) => name.includes(q.trim().toLowerCase()) && (which === "" || source !== "default"),
  );
  const tools = (
    <>
      <FilterField name="q" label={texts.settings.search} isSearch />
      <FilterChoice
        name="which"
        label={texts.settings.which}
        options={{ "": texts.settings.everything, changed: texts.settings.changed }}
      />
    </>
  );
  return (
    <View title={texts.settings.title} about={texts.settings.about} tools={tools}>
      {problem !== "" && <Problem text={problem} onRetry={() => void reload()} />}
      {found.length > 0 ? (
        <Table label={texts.settings.title} columns={COLUMNS} items={found} keyOf={({ name }) => name} />
      ) : (
        problem === "" && (
          <p className="admin-nothing" role="status">
            {value === undefined ? texts.loading : texts.settings.empty}
          </p>
        )
      )}
    </View>
  );
}

const COLUMNS: readonly Column<SettingAnswer>[] = [
  { name: texts.settings.name, cell: ({ name }) => <code>{name}</code> },
  {
    name: texts.settings.value,
    cell: ({ value, isSecret, source }) => {
      if (value) return <span className="admin-long">{value}</span>;
      const isHidden = isSecret && source !== "default";
      return <span className="admin-faint">{isHidden ? texts.settings.secret : texts.settings.notSet}</span>;
    },
  },
  {
    name: texts.settings.source,
    cell: ({ source }) =>
      source === "default" ? (
        <span className="admin-faint">{texts.settings.sources[source]}</span>
      ) : (
        <Badge>{texts.settings.sources[source] ?? source}</Badge>
      ),
  },
];
