import type { Attachment } from "@talkwire/client";
import { ImageOff } from "lucide-react";
import { isMoving } from "../../chat/files/files";
import { texts } from "../../texts";
import { useChatState } from "../page/chat_context";
import { stillness, useMedia } from "../page/use_media";
import { useFileUrl } from "./use_file_url";

const MAX_WIDTH = 320;
const MAX_HEIGHT = 260;
const MIN = 48;
/** Pixels of the longer side of the server's thumbnails. */
const SMALL = 640;
const LARGE = 1280;

/** In pixels of CSS. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

interface Props {
  picture: Attachment;
  /** Its place in a grid, which it fills, cut where the place has another shape. */
  place?: Size | undefined;
  onOpen: () => void;
}

/** A thumbnail, or an animated picture. It has its final size from the start, so that nothing moves when it is loaded. */
export function Thumbnail(props: Props) {
  const { url, thumbnailUrl = url } = props.picture;
  const isStill = useMedia(stillness);
  const address = !isStill && isMoving(props.picture) ? url : thumbnailUrl;
  return <Tile key={address} {...props} address={address} />;
}

function Tile({ picture, place, onOpen, address }: Props & { address: string }) {
  const { name, url, width = MAX_WIDTH, height = MAX_HEIGHT } = picture;
  const { fileUrl, isMissing, onFailure, retry } = useFileUrl(address);
  const connected = useChatState((state) => state.connected);
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height);
  const style = { width: Math.max(MIN, Math.round(width * scale)), aspectRatio: `${width} / ${height}` };
  const shown = place ?? { width: style.width, height: (style.width * height) / width };
  return (
    <button
      type="button"
      className="picture"
      data-url={url}
      style={place === undefined ? style : undefined}
      aria-label={isMissing ? undefined : texts.openPicture(name)}
      onClick={isMissing ? retry : onOpen}
    >
      {isMissing ? (
        <span className="missing">
          <ImageOff className="icon" aria-hidden="true" />
          {texts.pictureMissing}
          {connected && <span className="load-again">{texts.retry}</span>}
        </span>
      ) : (
        <Picture
          address={fileUrl}
          sources={address === url ? undefined : sourcesOf(picture, shown)}
          onFailure={onFailure}
        />
      )}
      {picture.animated && address !== url && (
        <span className="moves" aria-hidden="true">
          {texts.animated}
        </span>
      )}
    </button>
  );
}

interface Sources {
  /** Widths of the two thumbnails in their own pixels. */
  readonly widths: readonly [number, number];
  /** The width at which the whole picture would be drawn, in pixels of CSS. */
  readonly drawn: number;
}

/** Returns what the browser chooses a thumbnail by; undefined for a picture that has only one. */
function sourcesOf({ width, height }: Attachment, shown: Size): Sources | undefined {
  if (width === undefined || height === undefined) return undefined;
  const longer = Math.max(width, height);
  if (longer <= SMALL) return undefined;
  const widthOf = (side: number) => Math.round(width * Math.min(1, side / longer));
  const small = widthOf(SMALL);
  const drawn = Math.round(Math.max(shown.width, (shown.height * width) / height));
  // With one pixel in each direction, no screen loads more than the small one.
  return { widths: [small, widthOf(LARGE)], drawn: Math.min(drawn, small) };
}

interface PictureProps {
  address: string;
  sources: Sources | undefined;
  onFailure: () => void;
}

function Picture({ address, sources, onFailure }: PictureProps) {
  const choice = sources && {
    srcSet: `${address} ${sources.widths[0]}w, ${largeAddressOf(address)} ${sources.widths[1]}w`,
    sizes: `${sources.drawn}px`,
  };
  return <img {...choice} src={address} alt="" loading="lazy" decoding="async" onError={onFailure} />;
}

function largeAddressOf(address: string): string {
  const url = new URL(address);
  url.searchParams.set("large", "true");
  return url.href;
}
