import type { Attachment, MessagePart } from "@talkwire/client";
import { memo, type ReactNode } from "react";
import { useGoToMessage } from "../components/panel_layout";
import { useChat } from "../page/chat_context";
import { streamTexts } from "./texts";

const { sources: words } = streamTexts;

export type SourcePart = Extract<MessagePart, { type: "source" }>;

interface Props {
  sources: readonly SourcePart[];
  /** The files of the message, among which are those that are sources. */
  attachments: readonly Attachment[] | undefined;
}

/** Where an answer comes from, as numbered links. */
export const Sources = memo(
  function Sources({ sources, attachments }: Props) {
    if (sources.length === 0) return null;
    return (
      <ol className="sources" aria-label={words.title}>
        {sources.map((source, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: sources keep their order
          <li key={index}>
            <span className="source-number" aria-hidden="true">{`[${index + 1}]`}</span>
            <SourceLink
              source={source}
              file={attachments?.find(({ id }) => id !== undefined && id === source.fileId)}
            />
            {source.quote !== undefined && (
              <q className="source-quote" dir="auto" title={source.quote}>
                {source.quote}
              </q>
            )}
          </li>
        ))}
      </ol>
    );
  },
  // Each of their parents' renderings makes another list.
  (one, other) =>
    one.attachments === other.attachments &&
    one.sources.length === other.sources.length &&
    one.sources.every((source, index) => source === other.sources[index]),
);

function SourceLink({ source, file }: { source: SourcePart; file: Attachment | undefined }) {
  const { url, messageId, title } = source;
  if (messageId !== undefined) return <MessageLink id={messageId}>{title ?? words.message}</MessageLink>;
  if (file !== undefined) return <FileLink file={file}>{title ?? file.name}</FileLink>;
  const address = addressOf(url);
  if (address === null) return <bdi>{title ?? url ?? words.file}</bdi>;
  return (
    <a href={address.href} target="_blank" rel="noopener noreferrer nofollow" title={url}>
      <bdi>{title ?? address.host}</bdi>
    </a>
  );
}

/** Returns the address of a page; null for any other. */
function addressOf(url = ""): URL | null {
  const address = URL.canParse(url) ? new URL(url) : null;
  return address !== null && /^https?:$/.test(address.protocol) ? address : null;
}

function MessageLink({ id, children }: { id: string; children: ReactNode }) {
  const { messages } = useChat();
  const jump = useGoToMessage();
  const go = async (): Promise<void> => {
    const message = await messages.find(id);
    if (message !== undefined) jump(message.conversationId, message.id);
  };
  return (
    <button type="button" className="link" onClick={() => void go()}>
      <bdi>{children}</bdi>
    </button>
  );
}

function FileLink({ file, children }: { file: Attachment; children: ReactNode }) {
  const { files } = useChat();
  return (
    <button type="button" className="link" onClick={() => void files.download(file)}>
      <bdi>{children}</bdi>
    </button>
  );
}
