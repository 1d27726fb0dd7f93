import type { OutboxEntry, PendingFile } from "@talkwire/client/parts";
import { own } from "@talkwire/client/parts";
import { useMemo, useRef, useState } from "react";
import { useStore } from "zustand";
import { filesSummary } from "../../chat/messages/message_summary";
import { plainText } from "../../chat/messages/plain_text";
import { texts } from "../../texts";
import { timeOfDay } from "../../time_format";
import { IconButton } from "../components/icon_button";
import type { MenuAction } from "../components/menu_action";
import { spokenLabel } from "../components/spoken_label";
import { Toolbar } from "../components/toolbar";
import { PendingFileView } from "../files/pending_file";
import { MessageText } from "../markdown/markdown";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { AuthorLine, ContinuedAuthor } from "./author_line";
import { QuoteView } from "./quote_view";
import { unsentActions } from "./unsent_actions";
import { Delay, Refused, WaitingTick } from "./unsent_marks";
import { useContextMenu } from "./use_context_menu";
import { useLongPress } from "./use_long_press";

const MenuPopup = lazyPart(() => import("../components/menu_popup"));
const UnsentSheet = lazyPart(() => import("../message_dialogs/unsent_sheet"));

interface Props {
  entry: OutboxEntry;
  /** Whether the message before it has the same sender, who is not named again. */
  continued: boolean;
}

/** A message that is not sent yet, or that the server refused. It takes the place of the message that it will become. */
export function OutboxEntryView({ entry, continued }: Props) {
  const me = useChatState((state) => state.me);
  const writtenAt = new Date(entry.writtenAt).toISOString();
  const hasText = entry.content !== "";
  const chat = useChat();
  const isSending = useStore(chat.messages.sending, (ids) => ids.has(entry.clientMessageId));
  const isEdited = useChatState(({ composing }) => composing?.message.id === entry.clientMessageId);
  const article = useRef<HTMLElement>(null);
  const menu = useContextMenu();
  const [isSheetOpen, setSheetOpen] = useState(false);
  const press = useLongPress(() => !isSending && setSheetOpen(true));
  const files = useFiles(entry);
  const attached = <EntryFiles entry={entry} files={files} />;
  const summary = [plainText(entry.content), filesSummary(files)].filter(Boolean).join(", ");
  const tick = entry.problem === null && <WaitingTick />;
  const actions = () => unsentActions(chat, entry);
  return (
    <article
      ref={article}
      aria-label={spokenLabel(me.name, writtenAt, summary)}
      className={`message authored mine letter${continued ? " continued" : ""}${isEdited ? " edited-now" : ""}`}
      {...press}
      onPointerDown={(event) => {
        press.onPointerDown(event);
        menu.events.onPointerDown(event);
      }}
      onContextMenu={(event) => {
        press.onContextMenu(event);
        if (!isSending) menu.events.onContextMenu(event);
      }}
    >
      {continued && <ContinuedAuthor name={me.name} />}
      {continued && <time className="when">{timeOfDay(writtenAt)}</time>}
      {!continued && (
        <AuthorLine userId={me.id} name={me.name} picture={me.avatar} at={writtenAt}>
          {tick}
        </AuthorLine>
      )}
      {entry.replyToId !== null && <UnsentQuote conversationId={entry.conversationId} messageId={entry.replyToId} />}
      <div className="said">
        {hasText ? <MessageText content={entry.content} end={continued && tick} /> : attached}
        {!hasText && continued && tick}
      </div>
      {hasText && attached}
      {entry.problem === null && <Delay entry={entry} />}
      {entry.problem !== null && <Refused entry={entry} />}
      {!isSending && <UnsentToolbar actions={actions()} />}
      {!isSending && menu.at !== null && (
        <MenuPopup label={texts.actions} actions={actions()} anchor={article} at={menu.at} onClose={menu.close} />
      )}
      {!isSending && isSheetOpen && <UnsentSheet actions={actions()} onClose={() => setSheetOpen(false)} />}
    </article>
  );
}

function UnsentToolbar({ actions }: { actions: readonly MenuAction[] }) {
  return (
    <div className="actions-place">
      <Toolbar className="actions" label={texts.actions} isReachable>
        {actions.map(
          ({ label, icon, onClick }) => icon && <IconButton key={label} icon={icon} label={label} onClick={onClick} />,
        )}
      </Toolbar>
    </div>
  );
}

/** The message that an unsent one replies to, if it is loaded. */
function UnsentQuote({ conversationId, messageId }: { conversationId: string; messageId: string }) {
  const quoted = useChatState(({ timelines }) =>
    own(timelines, conversationId)?.messages.find(({ id }) => id === messageId),
  );
  if (quoted === undefined) return null;
  const { id, senderId, content = "" } = quoted;
  return <QuoteView quote={{ id, senderId, content }} conversationId={conversationId} />;
}

/** Returns the files of an outbox entry. */
function useFiles({ clientMessageId }: OutboxEntry): readonly PendingFile[] {
  const pending = useStore(useChat().uploads.state);
  return useMemo(() => pending.filter((file) => file.entryId === clientMessageId), [pending, clientMessageId]);
}

function EntryFiles({ entry, files }: { entry: OutboxEntry; files: readonly PendingFile[] }) {
  const { messages } = useChat();
  if (files.length === 0) return null;
  return (
    <ul className="tray">
      {files.map((file) => (
        <li key={file.id}>
          <PendingFileView file={file} onRemove={() => messages.detach(entry.clientMessageId, file.id)} />
        </li>
      ))}
    </ul>
  );
}
