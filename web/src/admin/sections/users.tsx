import { hrefOf, useAddress } from "../address";
import type { UserAnswer } from "../answers";
import { usePages } from "../data/use_pages";
import { count } from "../number_text";
import { Badge } from "../parts/badge";
import { CopiedId } from "../parts/copied_id";
import { FilterChoice, FilterField } from "../parts/filters";
import { type Column, PagedTable } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

export function Users() {
  const { q = "", banned = "" } = useAddress().filters;
  const pages = usePages<UserAnswer>("admin/users", { q, banned });
  const tools = (
    <>
      <FilterField name="q" label={texts.users.search} isSearch />
      <FilterChoice
        name="banned"
        label={texts.users.which}
        options={{ "": texts.users.everybody, true: texts.users.onlyBanned, false: texts.users.notBanned }}
      />
    </>
  );
  return (
    <View title={texts.users.title} tools={tools}>
      <PagedTable
        label={texts.users.title}
        columns={COLUMNS}
        pages={pages}
        keyOf={({ id }) => id}
        empty={texts.users.empty}
      />
    </View>
  );
}

const COLUMNS: readonly Column<UserAnswer>[] = [
  {
    name: texts.users.name,
    cell: ({ id, name, handle }) => (
      <span className="admin-name">
        <a href={hrefOf("users", {}, id)}>{name}</a>
        {handle && <span className="admin-faint">@{handle}</span>}
      </span>
    ),
  },
  { name: texts.users.id, cell: ({ id }) => <CopiedId id={id} /> },
  { name: texts.users.state, cell: (user) => <UserState user={user} /> },
  { name: texts.users.connections, isNumber: true, cell: ({ connections }) => count(connections) },
  { name: texts.users.seen, cell: ({ lastSeenAt, online }) => (online ? texts.none : <Time at={lastSeenAt} />) },
  { name: texts.users.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
];

export function UserState({ user: { online, banned, erased, backend } }: { user: UserAnswer }) {
  if (erased) return <Badge tone="bad">{texts.users.erased}</Badge>;
  if (banned) return <Badge tone="bad">{texts.users.banned}</Badge>;
  if (backend) return <Badge tone="plain">{texts.users.backend}</Badge>;
  return <Badge tone={online ? "good" : "plain"}>{online ? texts.users.online : texts.users.offline}</Badge>;
}
