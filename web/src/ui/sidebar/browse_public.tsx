import type { Conversation, ConversationPage } from "@talkwire/client";
import { own } from "@talkwire/client/parts";
import { Compass, SearchX } from "lucide-react";
import { useEffect, useState } from "react";
import { texts } from "../../texts";
import { nameOf } from "../components/conversation_names";
import { Dialog } from "../components/dialog";
import { EmptyState } from "../components/empty_state";
import { PlaceAvatar } from "../components/kind_icon";
import { useChat, useChatState } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";
import "./browse_public.css";

interface Props {
  onClose: () => void;
  onOpen: (id: string) => void;
}

const TYPING_PAUSE_MS = 200;

/** Lists public groups and channels, which everyone can join. */
export default function BrowsePublic({ onClose, onOpen }: Props) {
  const { moderation } = useChat();
  const [query, setQuery] = useState("");
  const [page, setPage] = useState<ConversationPage | null>(null);
  const [problem, setProblem] = useState("");
  const asked = query.trim();
  const reconnects = useReconnects();

  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again when the connection returns
  useEffect(() => {
    let current = true;
    const timer = setTimeout(
      () => {
        moderation.findPublic(asked).then(
          (first) => {
            if (!current) return;
            setPage(first);
            setProblem("");
          },
          (error: Error) => current && setProblem(error.message),
        );
      },
      asked === "" ? 0 : TYPING_PAUSE_MS,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [moderation, asked, reconnects]);

  const attempt = async (action: () => Promise<void>): Promise<void> => {
    setProblem("");
    try {
      await action();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const join = (id: string): Promise<void> =>
    attempt(async () => {
      await moderation.join(id);
      onOpen(id);
    });
  const showMore = (shown: ConversationPage): Promise<void> =>
    attempt(async () => {
      const { items, next } = await moderation.findPublic(asked, shown.next);
      // Unless the query has changed meanwhile.
      setPage((now) => (now === shown ? { items: [...shown.items, ...items], next } : now));
    });
  return (
    <Dialog title={texts.places.browse} onClose={onClose} className="browse large">
      <label>
        {texts.places.findPublic}
        <input type="search" value={query} autoComplete="off" onChange={(event) => setQuery(event.target.value)} />
      </label>
      <ul className="public">
        {page?.items.map((conversation) => (
          <PublicRow key={conversation.id} conversation={conversation} onJoin={join} onOpen={onOpen} />
        ))}
      </ul>
      {page?.next != null && (
        <button type="button" onClick={() => void showMore(page)}>
          {texts.places.showMore}
        </button>
      )}
      {page?.items.length === 0 && page.next === null && <Nothing asked={asked} />}
      <p className="problem" role="alert">
        {problem}
      </p>
    </Dialog>
  );
}

function Nothing({ asked }: { asked: string }) {
  const mayCreate = useChatState(({ rights }) => rights.createGroup || rights.createChannel);
  if (asked !== "") return <EmptyState icon={SearchX} title={texts.places.noneFound} />;
  return (
    <EmptyState icon={Compass} title={texts.places.noPublic}>
      {mayCreate && <p>{texts.places.noPublicHint}</p>}
    </EmptyState>
  );
}

interface RowProps {
  conversation: Conversation;
  onJoin: (id: string) => Promise<void>;
  onOpen: (id: string) => void;
}

function PublicRow({ conversation, onJoin, onOpen }: RowProps) {
  const { id, kind, memberCount, topic } = conversation;
  const isMine = useChatState((state) => own(state.conversations, id) !== undefined);
  const name = nameOf(conversation);
  return (
    <li>
      <PlaceAvatar conversation={conversation} />
      <span className="public-who">
        <span className="name cut-line">
          <bdi>{name}</bdi>
        </span>
        <span className="detail">
          {texts.kinds[kind]} · {texts.members(memberCount)}
          {topic !== undefined && (
            <>
              {" · "}
              <bdi>{topic}</bdi>
            </>
          )}
        </span>
      </span>
      {isMine ? (
        <button type="button" aria-label={texts.places.openOne(name)} onClick={() => onOpen(id)}>
          {texts.places.open}
        </button>
      ) : (
        <button
          type="button"
          className="primary"
          aria-label={texts.places.joinOne(name)}
          onClick={() => void onJoin(id)}
        >
          {texts.places.join}
        </button>
      )}
    </li>
  );
}
