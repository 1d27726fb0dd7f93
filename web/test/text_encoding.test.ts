import { describe, expect, it } from "vitest";
import { decodedText } from "../src/chat/files/text_encoding";

const bytesOf = (hex: string) => Uint8Array.from(hex.split(" "), (each) => Number.parseInt(each, 16));
const utf8 = (text: string) => new TextEncoder().encode(text);
const read = (bytes: Uint8Array, languages: readonly string[] = ["en-GB"], isWhole = true) =>
  decodedText(bytes, isWhole, languages);

const WINDOWS_1252 = "47 72 F6 DF 65 3B 35 20 A3";
const SHIFT_JIS = "93 FA 96 7B 8C EA 82 CC 95 B6 8F CD 82 C5 82 B7 81 42";
const GBK = "D6 D0 CE C4 CE C4 BC FE B5 C4 C4 DA C8 DD";
const BIG5 = "C1 63 C5 E9 A4 A4 A4 E5 AA BA A4 BA AE 65";
const EUC_KR = "C7 D1 B1 B9 BE EE 20 B9 AE C0 E5 C0 D4 B4 CF B4 D9 2E";
const EUC_JP = "C6 FC CB DC B8 EC A4 CE CA B8 BE CF A4 C7 A4 B9 A1 A3";
const WINDOWS_1251 = "CF F0 E8 E2 E5 F2 2C 20 EC E8 F0";
const CAPITALS_1251 = "CF D0 C8 C2 C5 D2 C1 CF D0 C8";

describe("a text file is read in its encoding", () => {
  it.each<[string, Uint8Array, readonly string[], string]>([
    ["UTF-8", utf8("Größe €"), ["en"], "Größe €"],
    ["UTF-8 with a mark", utf8("\ufeffGröße"), ["en"], "Größe"],
    ["UTF-8 with one damaged character", bytesOf(`${"C3 BC ".repeat(20)}FF`), ["ru"], `${"ü".repeat(20)}\ufffd`],
    ["UTF-16, little end first", bytesOf("FF FE 47 00 F6 00 AC 20"), ["en"], "Gö€"],
    ["UTF-16, big end first", bytesOf("FE FF 00 47 00 F6 20 AC"), ["ja"], "Gö€"],
    ["windows-1252", bytesOf(WINDOWS_1252), ["en-GB"], "Größe;5 £"],
    ["windows-1252, for a German after English", bytesOf(WINDOWS_1252), ["en-US", "de", "ru"], "Größe;5 £"],
    ["windows-1252, for a Chinese", bytesOf(WINDOWS_1252), ["zh-CN"], "Größe;5 £"],
    ["windows-1252, for a Japanese", bytesOf(WINDOWS_1252), ["ja"], "Größe;5 £"],
    ["windows-1251", bytesOf(WINDOWS_1251), ["ru-RU"], "Привет, мир"],
    ["windows-1251 in capitals", bytesOf(CAPITALS_1251), ["en", "uk"], "ПРИВЕТБПРИ"],
    ["windows-1250", bytesOf("BF F3 B3 E6"), ["pl"], "żółć"],
    ["Shift JIS", bytesOf(SHIFT_JIS), ["ja"], "日本語の文章です。"],
    ["Shift JIS, for an English reader", bytesOf(SHIFT_JIS), ["en"], "日本語の文章です。"],
    ["EUC-JP", bytesOf(EUC_JP), ["ja"], "日本語の文章です。"],
    ["GBK", bytesOf(GBK), ["zh"], "中文文件的内容"],
    ["GBK, for an English reader", bytesOf(GBK), ["en"], "中文文件的内容"],
    ["Big5", bytesOf(BIG5), ["zh-TW"], "繁體中文的內容"],
    ["Big5, for an English reader", bytesOf(BIG5), ["en"], "繁體中文的內容"],
    ["EUC-KR", bytesOf(EUC_KR), ["ko"], "한국어 문장입니다."],
    ["EUC-KR, for an English reader", bytesOf(EUC_KR), ["en"], "한국어 문장입니다."],
    ["nothing", new Uint8Array(), ["en"], ""],
  ])("%s", (_, bytes, languages, text) => {
    expect(read(bytes, languages)).toBe(text);
  });
});

it("a character that the end of what was read cuts is left out", () => {
  expect(read(utf8("Größe €").slice(0, -1), ["en"], false)).toBe("Größe ");
  expect(read(bytesOf("FF FE 47 00 F6"), ["en"], false)).toBe("G");
  expect(read(bytesOf(SHIFT_JIS).slice(0, -1), ["ja"], false)).toBe("日本語の文章です");
});
