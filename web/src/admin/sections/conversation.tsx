import type { Conversation, Member } from "@talkwire/client";
import { useState } from "react";
import { goTo, hrefOf } from "../address";
import { useApi } from "../admin_context";
import { useLoaded } from "../data/use_loaded";
import { nameOf, pathOfConversation } from "../data/use_names";
import { count } from "../number_text";
import { ActionDialog } from "../parts/action_dialog";
import { CopiedId } from "../parts/copied_id";
import { Facts } from "../parts/facts";
import { type Column, Problem, Table } from "../parts/table";
import { Time } from "../parts/time";
import { View } from "../parts/view";
import { texts } from "../texts";

type Asked = "hold" | "retention" | "remove";

/** One conversation, its members, and what an operator can do. */
export function ConversationView({ id }: { id: string }) {
  const api = useApi();
  const path = pathOfConversation(id);
  const { value, problem, reload } = useLoaded<Conversation>(path);
  const [asked, setAsked] = useState<Asked | null>(null);
  const isHeld = value?.hold === true;
  const close = (): void => setAsked(null);
  const change = async (changes: object, outcome: string): Promise<string> => {
    await api.patch(path, changes);
    await reload();
    return outcome;
  };
  const keep = (fields: FormData): Promise<string> => {
    const days = String(fields.get("days"));
    return change({ retentionDays: days === "" ? null : Number(days) }, texts.conversations.retentionDone);
  };
  const remove = async (): Promise<string> => {
    await api.delete(path);
    goTo("conversations");
    return texts.conversations.removed;
  };
  const tools = value && (
    <>
      <button type="button" onClick={() => setAsked("hold")}>
        {isHeld ? texts.conversations.lift : texts.conversations.hold}
      </button>
      <button type="button" onClick={() => setAsked("retention")}>
        {texts.conversations.retention}
      </button>
      <button type="button" className="danger" onClick={() => setAsked("remove")}>
        {texts.conversations.remove}
      </button>
    </>
  );
  return (
    <View
      title={(value && nameOf(value)) || id}
      back={{ href: hrefOf("conversations"), text: texts.conversations.back }}
      tools={tools}
    >
      {problem !== "" && <Problem text={problem} onRetry={() => void reload()} />}
      {value && <About conversation={value} />}
      {asked === "hold" && (
        <ActionDialog
          title={isHeld ? texts.conversations.liftTitle : texts.conversations.holdTitle}
          action={isHeld ? texts.conversations.liftAction : texts.conversations.holdAction}
          onSubmit={() =>
            change({ hold: !isHeld }, isHeld ? texts.conversations.liftDone : texts.conversations.holdDone)
          }
          onClose={close}
        >
          <p>{isHeld ? texts.conversations.liftAbout : texts.conversations.holdAbout}</p>
        </ActionDialog>
      )}
      {asked === "retention" && (
        <ActionDialog
          title={texts.conversations.retentionTitle}
          action={texts.conversations.retentionAction}
          isDangerous
          onSubmit={keep}
          onClose={close}
        >
          <p>{texts.conversations.retentionAbout}</p>
          <label>
            {texts.conversations.days}
            <input type="number" name="days" min={1} defaultValue={value?.retentionDays ?? ""} />
          </label>
        </ActionDialog>
      )}
      {asked === "remove" && (
        <ActionDialog
          title={texts.conversations.removeTitle}
          action={texts.conversations.removeAction}
          isDangerous
          onSubmit={remove}
          onClose={close}
        >
          <p>{texts.conversations.removeAbout}</p>
        </ActionDialog>
      )}
    </View>
  );
}

function About({ conversation: { members = [], ...conversation } }: { conversation: Conversation }) {
  const { id, kind, retentionDays } = conversation;
  return (
    <>
      <Facts
        facts={{
          [texts.conversations.id]: <CopiedId id={id} />,
          [texts.conversations.kind]: texts.conversations.kinds[kind] ?? kind,
          [texts.conversations.open]: conversation.public ? texts.yes : null,
          [texts.conversations.topic]: conversation.topic,
          [texts.conversations.description]: conversation.description,
          [texts.conversations.members]: count(conversation.memberCount),
          [texts.conversations.messages]: count(conversation.lastSeq),
          [texts.conversations.kept]: retentionDays == null ? null : texts.conversations.keptDays(retentionDays),
          [texts.conversations.holds]: conversation.hold === true ? texts.conversations.held : null,
          [texts.conversations.created]: <Time at={conversation.createdAt} />,
        }}
      />
      <nav className="admin-links" aria-label={texts.conversations.more}>
        <a href={hrefOf("audit", { targetId: id })}>{texts.conversations.theirAudit}</a>
      </nav>
      <h2>{texts.conversations.members}</h2>
      {members.length === 0 ? (
        <p className="admin-nothing">{texts.conversations.noMembers}</p>
      ) : (
        <Table
          label={texts.conversations.members}
          columns={MEMBER_COLUMNS}
          items={members}
          keyOf={({ userId }) => userId}
        />
      )}
    </>
  );
}

const MEMBER_COLUMNS: readonly Column<Member>[] = [
  { name: texts.users.name, cell: ({ userId, name }) => <a href={hrefOf("users", {}, userId)}>{name}</a> },
  { name: texts.users.id, cell: ({ userId }) => <CopiedId id={userId} /> },
  { name: texts.conversations.role, cell: ({ role }) => texts.conversations.roles[role] },
  { name: texts.conversations.joined, cell: ({ joinedAt }) => <Time at={joinedAt} /> },
];
