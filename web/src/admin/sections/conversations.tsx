import { hrefOf, useAddress } from "../address";
import type { ConversationAnswer } from "../answers";
import { usePages } from "../data/use_pages";
import { count } from "../number_text";
import { CopiedId } from "../parts/copied_id";
import { FilterChoice, FilterField } from "../parts/filters";
import { type Column, PagedTable } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

export function Conversations() {
  const { q = "", kind = "" } = useAddress().filters;
  const pages = usePages<ConversationAnswer>("admin/conversations", { q, kind });
  const tools = (
    <>
      <FilterField name="q" label={texts.conversations.search} isSearch />
      <FilterChoice name="kind" label={texts.conversations.kind} options={texts.conversations.kinds} />
    </>
  );
  return (
    <View title={texts.conversations.title} tools={tools}>
      <PagedTable
        label={texts.conversations.title}
        columns={COLUMNS}
        pages={pages}
        keyOf={({ id }) => id}
        empty={texts.conversations.empty}
      />
    </View>
  );
}

const COLUMNS: readonly Column<ConversationAnswer>[] = [
  {
    name: texts.conversations.name,
    cell: ({ id, name }) => <a href={hrefOf("conversations", {}, id)}>{name || texts.conversations.unnamed}</a>,
  },
  { name: texts.conversations.id, cell: ({ id }) => <CopiedId id={id} /> },
  { name: texts.conversations.kind, cell: ({ kind }) => texts.conversations.kinds[kind] ?? kind },
  { name: texts.conversations.members, isNumber: true, cell: ({ memberCount }) => count(memberCount) },
  { name: texts.conversations.messages, isNumber: true, cell: ({ messageCount }) => count(messageCount) },
  { name: texts.conversations.last, cell: ({ lastMessageAt }) => <Time at={lastMessageAt} /> },
  { name: texts.conversations.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
];
