import type { Conversation } from "../server/payloads";
import { texts } from "../texts";
import { Avatar } from "./avatar";
import { Composer } from "./composer";
import { useChatState } from "./context";
import { nameOf, partnerOf } from "./conversation_list";
import { TimelineView } from "./timeline_view";

export function ConversationView({ conversation }: { conversation: Conversation }) {
  const { id } = conversation;
  const name = nameOf(conversation);
  return (
    <main className="conversation">
      <header>
        <a className="back" href="#/" aria-label={texts.back}>
          ‹
        </a>
        <Avatar id={id} name={name} />
        <h1>{name}</h1>
        <Subtitle conversation={conversation} />
      </header>
      <TimelineView key={id} id={id} />
      <Typing id={id} />
      <Composer key={`composer ${id}`} id={id} name={name} />
    </main>
  );
}

function Subtitle({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const partner = partnerOf(conversation, me);
  const presence = useChatState((state) => (partner === undefined ? undefined : state.presence[partner.userId]));
  if (conversation.kind !== "direct") return <p className="subtitle">{texts.members(conversation.memberCount)}</p>;
  const status = presence?.status ?? "offline";
  return (
    <p className="subtitle">
      <span className={`dot ${status}`} />
      {texts.presence[status]}
      {presence?.text && ` · ${presence.text}`}
    </p>
  );
}

function Typing({ id }: { id: string }) {
  const typists = useChatState((state) => state.typing[id]);
  const says = typists === undefined || typists.length === 0 ? "" : texts.typing(typists.map(({ name }) => name));
  return (
    <p className="typing" aria-live="polite">
      {says}
    </p>
  );
}
