import { useState } from "react";
import { hrefOf, useAddress } from "../address";
import { useApi } from "../admin_context";
import type { ConnectionAnswer, OverviewAnswer, SettingAnswer } from "../answers";
import type { Page } from "../data/page_list";
import { useLoaded } from "../data/use_loaded";
import { usePages } from "../data/use_pages";
import { ActionDialog } from "../parts/action_dialog";
import { CopiedId } from "../parts/copied_id";
import { FilterChoice, FilterField } from "../parts/filters";
import { type Column, PagedTable } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

const REFRESH_MS = 5_000;

export function Connections() {
  const api = useApi();
  const { dialect = "", node = "", userId = "" } = useAddress().filters;
  const pages = usePages<ConnectionAnswer>("admin/connections", { dialect, node, userId }, REFRESH_MS);
  const overview = useLoaded<OverviewAnswer>("admin/overview");
  const settings = useLoaded<Page<SettingAnswer>>("admin/settings");
  const [ending, setEnding] = useState<ConnectionAnswer | null>(null);
  // A node that has ended may still be in the address.
  const nodes = new Set([...(overview.value?.nodes ?? []).map(({ id }) => id), ...(node === "" ? [] : [node])]);
  const served = settings.value?.items.find(({ name }) => name === "dialects")?.value?.split(",") ?? [];
  const dialects = new Set([...served, ...(dialect === "" ? [] : [dialect])]);
  const end = async ({ id }: ConnectionAnswer): Promise<string> => {
    await api.delete(`admin/connections/${encodeURIComponent(id)}`);
    pages.reload();
    return texts.connections.ended;
  };
  const tools = (
    <>
      <FilterField name="userId" label={texts.connections.userId} />
      <FilterChoice
        name="dialect"
        label={texts.connections.dialect}
        options={{
          "": texts.connections.anyDialect,
          ...Object.fromEntries([...dialects].map((each) => [each, each])),
        }}
      />
      <FilterChoice
        name="node"
        label={texts.connections.node}
        options={{ "": texts.connections.anyNode, ...Object.fromEntries([...nodes].map((each) => [each, each])) }}
      />
    </>
  );
  const columns: readonly Column<ConnectionAnswer>[] = [
    ...COLUMNS,
    {
      name: texts.actions,
      hasHiddenName: true,
      cell: (connection) => (
        <button type="button" className="danger" onClick={() => setEnding(connection)}>
          {texts.connections.end}
        </button>
      ),
    },
  ];
  return (
    <View title={texts.connections.title} about={texts.connections.about} tools={tools}>
      <PagedTable
        label={texts.connections.title}
        columns={columns}
        pages={pages}
        keyOf={({ id }) => id}
        empty={texts.connections.empty}
      />
      {ending !== null && (
        <ActionDialog
          title={texts.connections.endTitle}
          action={texts.connections.end}
          isDangerous
          onSubmit={() => end(ending)}
          onClose={() => setEnding(null)}
        >
          <p>{texts.connections.endAbout}</p>
        </ActionDialog>
      )}
    </View>
  );
}

const COLUMNS: readonly Column<ConnectionAnswer>[] = [
  {
    name: texts.connections.user,
    cell: ({ userId }) => <CopiedId id={userId} href={hrefOf("users", {}, userId)} />,
  },
  { name: texts.connections.transport, cell: ({ transport }) => transport },
  { name: texts.connections.dialect, cell: ({ dialect }) => dialect },
  { name: texts.connections.node, cell: ({ node }) => <CopiedId id={node} /> },
  { name: texts.connections.address, cell: ({ address }) => address || texts.none },
  { name: texts.connections.since, cell: ({ connectedAt }) => <Time at={connectedAt} /> },
];
