import type { Conversation, SentFile, SentLink } from "@talkwire/client";
import { CornerUpLeft, Download, Images, Link2 } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import { readableSize } from "../../chat/files/file_size";
import { type FileKind, isPicture } from "../../chat/files/files";
import { texts } from "../../texts";
import { shortTime } from "../../time_format";
import { EmptyState } from "../components/empty_state";
import { IconButton } from "../components/icon_button";
import { PanelFrame } from "../components/panel_frame";
import { useGoToMessage } from "../components/panel_layout";
import { stepOf } from "../keyboard/direction";
import { useChat } from "../page/chat_context";
import { FileIcon } from "./file_icon";
import { Thumbnail } from "./thumbnail";
import {
  type ConversationFiles,
  type Listed,
  useConversationFiles,
  useConversationLinks,
} from "./use_conversation_files";
import "./attachments.css";
import "./files_panel.css";

type Tab = FileKind | "link";

const TABS: readonly Tab[] = ["media", "file", "link", "audio"];
const labels = texts.filesPanel;
/** As large as a picture of the grid may be. */
const GRID_PLACE = { width: 130, height: 130 };

/** The files and links of a conversation: pictures and film in a grid, the others as lists. */
export default function FilesPanel({ conversation: { id } }: { conversation: Conversation }) {
  const [kind, setKind] = useState<Tab>("media");
  const panelId = useId();
  return (
    <PanelFrame title={labels.title}>
      <Tabs kind={kind} panelId={panelId} onChange={setKind} />
      <div id={panelId} role="tabpanel" aria-label={labels.kinds[kind]} className="files">
        {kind === "link" ? (
          <Links key={id} conversationId={id} />
        ) : (
          <Files key={`${kind} of ${id}`} conversationId={id} kind={kind} />
        )}
      </div>
    </PanelFrame>
  );
}

interface TabsProps {
  kind: Tab;
  panelId: string;
  onChange: (kind: Tab) => void;
}

function Tabs({ kind, panelId, onChange }: TabsProps) {
  const list = useRef<HTMLDivElement>(null);
  const pressed = (event: KeyboardEvent): void => {
    const step = stepOf(event.key);
    if (step === 0) return;
    event.preventDefault();
    const index = (TABS.indexOf(kind) + step + TABS.length) % TABS.length;
    onChange(TABS[index] as Tab);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[index]?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={labels.title} ref={list} onKeyDown={pressed}>
      {TABS.map((each) => (
        <button
          key={each}
          type="button"
          role="tab"
          aria-selected={each === kind}
          aria-controls={each === kind ? panelId : undefined}
          tabIndex={each === kind ? 0 : -1}
          onClick={() => onChange(each)}
        >
          {labels.kinds[each]}
        </button>
      ))}
    </div>
  );
}

function Files({ conversationId, kind }: { conversationId: string; kind: FileKind }) {
  const files = useConversationFiles(conversationId, kind);
  const { items } = files;
  return (
    <Pages list={files} none={labels.none[kind]}>
      {kind === "media" ? (
        <Grid conversationId={conversationId} items={items} hasMore={files.hasMore} />
      ) : (
        <ul className="file-list">
          {items.map((item) => (
            <Row key={`${item.messageId} ${item.file.id}`} conversationId={conversationId} item={item} />
          ))}
        </ul>
      )}
    </Pages>
  );
}

function Links({ conversationId }: { conversationId: string }) {
  const links = useConversationLinks(conversationId);
  return (
    <Pages list={links} none={labels.none.link}>
      <ul className="file-list">
        {links.items.map((item) => (
          <LinkRow key={`${item.messageId} ${item.url}`} conversationId={conversationId} item={item} />
        ))}
      </ul>
    </Pages>
  );
}

interface PagesProps {
  list: Pick<Listed<unknown>, "items" | "hasMore" | "status" | "problem" | "loadMore" | "reload">;
  /** What the list says that has no items. */
  none: string;
  children: ReactNode;
}

function Pages({ list: { items, hasMore, status, problem, loadMore, reload }, none, children }: PagesProps) {
  const isEmpty = items.length === 0 && !hasMore;
  return (
    <>
      {children}
      <div role="status">
        {status === "loading" && items.length === 0 && <p className="note">{texts.loading}</p>}
        {status === "done" && isEmpty && <EmptyState icon={Images} title={none} />}
      </div>
      {status === "failed" && (
        <p className="problem" role="alert">
          {problem}{" "}
          <button type="button" className="quiet" onClick={reload}>
            {texts.retry}
          </button>
        </p>
      )}
      {hasMore && status !== "failed" && (
        <button type="button" className="quiet" disabled={status === "loading"} onClick={loadMore}>
          {texts.showMore}
        </button>
      )}
    </>
  );
}

interface GridProps extends Pick<ConversationFiles, "items" | "hasMore"> {
  conversationId: string;
}

function Grid({ conversationId, items, hasMore }: GridProps) {
  const { files } = useChat();
  const jump = useGoToMessage();
  const pictures = items.filter(({ file }) => isPicture(file));
  const among = hasMore ? "loaded" : "all";
  return (
    <ul className="file-grid">
      {items.map(({ file, messageId, sender, createdAt }) => (
        <li key={`${messageId} ${file.id}`}>
          {isPicture(file) ? (
            <Thumbnail picture={file} place={GRID_PLACE} onOpen={() => files.viewAmong(pictures, file, among)} />
          ) : (
            <button type="button" className="film" onClick={() => jump(conversationId, messageId)}>
              <FileIcon type={file.contentType} />
              <span className="file-name" dir="auto">
                {file.name}
              </span>
            </button>
          )}
          <IconButton
            icon={CornerUpLeft}
            className="to-message"
            label={labels.toMessage(file.name, sender.name, shortTime(createdAt))}
            onClick={() => jump(conversationId, messageId)}
          />
        </li>
      ))}
    </ul>
  );
}

function Row({ conversationId, item }: { conversationId: string; item: SentFile }) {
  const { files } = useChat();
  const jump = useGoToMessage();
  const { file, messageId, sender, createdAt } = item;
  return (
    <li>
      <FileIcon type={file.contentType} />
      <button type="button" className="find" onClick={() => jump(conversationId, messageId)}>
        <span className="file-name" dir="auto" title={file.name}>
          {file.name}
        </span>
        <span className="file-state">
          {file.size !== undefined && `${readableSize(file.size)} · `}
          <span dir="auto">{sender.name}</span> · <time dateTime={createdAt}>{shortTime(createdAt)}</time>
        </span>
      </button>
      <IconButton icon={Download} label={texts.download(file.name)} onClick={() => void files.download(file)} />
    </li>
  );
}

function LinkRow({ conversationId, item }: { conversationId: string; item: SentLink }) {
  const jump = useGoToMessage();
  const { url, title, messageId, sender, createdAt } = item;
  return (
    <li>
      <Link2 className="file-icon" aria-hidden="true" />
      <a className="find" href={url} target="_blank" rel="noopener noreferrer nofollow" title={url}>
        <span className="file-name" dir="auto">
          {title ?? url}
        </span>
        {title !== undefined && <span className="file-name file-state">{url}</span>}
        <span className="file-state">
          <span dir="auto">{sender.name}</span> · <time dateTime={createdAt}>{shortTime(createdAt)}</time>
        </span>
      </a>
      <IconButton
        icon={CornerUpLeft}
        label={labels.toMessage(title ?? url, sender.name, shortTime(createdAt))}
        onClick={() => jump(conversationId, messageId)}
      />
    </li>
  );
}
