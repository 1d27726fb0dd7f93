import { Hash } from "lucide-react";
import { useEffect, useState } from "react";
import { own } from "../../chat/core";
import type { Conversation } from "../../server/payloads";
import { texts } from "../../texts";
import { useChat, useChatState } from "../context";
import { Avatar } from "../parts/avatar";
import { Dialog } from "../parts/dialog";
import { nameOf } from "./names";
import "./browse_channels.css";

interface Props {
  onClose: () => void;
  onOpen: (id: string) => void;
}

const TYPING_PAUSE_MS = 200;

/** Public channels: anybody finds them, and joins by themselves. */
export default function BrowseChannels({ onClose, onOpen }: Props) {
  const { moderation } = useChat();
  const [query, setQuery] = useState("");
  const [found, setFound] = useState<readonly Conversation[] | null>(null);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let current = true;
    const timer = setTimeout(
      () => {
        moderation.findChannels(query.trim()).then(
          (channels) => current && setFound(channels),
          (error: Error) => current && setProblem(error.message),
        );
      },
      query === "" ? 0 : TYPING_PAUSE_MS,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [moderation, query]);

  const join = async (id: string): Promise<void> => {
    setProblem("");
    try {
      await moderation.join(id);
      onOpen(id);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <Dialog title={texts.places.browse} onClose={onClose} className="browse">
      <label>
        {texts.places.findChannels}
        <input type="search" value={query} autoComplete="off" onChange={(event) => setQuery(event.target.value)} />
      </label>
      <ul className="channels">
        {found?.map((channel) => (
          <Channel key={channel.id} channel={channel} onJoin={join} onOpen={onOpen} />
        ))}
      </ul>
      {found?.length === 0 && (
        <p className="note">{query.trim() === "" ? texts.places.noChannels : texts.places.noSuchChannel}</p>
      )}
      <p className="problem" role="alert">
        {problem}
      </p>
      <div className="buttons">
        <button type="button" className="quiet" onClick={onClose}>
          {texts.close}
        </button>
      </div>
    </Dialog>
  );
}

interface ChannelProps {
  channel: Conversation;
  onJoin: (id: string) => Promise<void>;
  onOpen: (id: string) => void;
}

function Channel({ channel, onJoin, onOpen }: ChannelProps) {
  const { id, avatar, memberCount } = channel;
  const isMine = useChatState((state) => own(state.conversations, id) !== undefined);
  const name = nameOf(channel);
  return (
    <li>
      <Avatar id={id} name={name} picture={avatar} />
      <span className="channel">
        <span className="name">
          <Hash className="icon" aria-hidden="true" />
          {name}
        </span>
        <span className="detail">{texts.members(memberCount)}</span>
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
