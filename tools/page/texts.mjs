// Compares the languages of the page with each other and with the texts that its modules use: node texts.mjs WEB_DIRECTORY
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const web = process.argv[2];
// Written as scripts, and read here without their package.
const language = name =>
    Object.keys(Function(readFileSync(join(web, "i18n", `${name}.js`), "utf8").replace("export default", "return"))());
const wrong = [];
const [en, de] = [new Set(language("en")), new Set(language("de"))];
for (const key of en) if (!de.has(key)) wrong.push(`de.js lacks ${key}`);
for (const key of de) if (!en.has(key)) wrong.push(`en.js lacks ${key}`);

const modules = readdirSync(web, { recursive: true }).filter(file => file.endsWith(".js") && !file.startsWith("i18n"));
const sources = modules.map(file => [file, readFileSync(join(web, file), "utf8")]);
const all = sources.map(([, text]) => text).join("\n");
for (const [file, text] of sources) {
    for (const [, key] of text.matchAll(/\bt\("([\w.-]+)"/g))
        if (!en.has(key)) wrong.push(`${file} uses ${key}, which is no text`);
}
// Keys are used whole, or by a prefix that is completed: t(`kind.${kind}`).
const prefixes = [...all.matchAll(/`([a-z]+\.)(?:words\.)?\$\{/g)]
    .map(([, prefix]) => prefix)
    .concat("format.", "help.", "sample.", "role.");
for (const key of en) {
    if (!all.includes(`"${key}"`) && !prefixes.some(prefix => key.startsWith(prefix)))
        wrong.push(`${key} is used nowhere`);
}
for (const [file, text] of sources) {
    const lines = text.split("\n").length;
    if (lines > 300) wrong.push(`${file} has ${lines} lines`);
    if (/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b/.test(text))
        wrong.push(`${file} writes markup or runs text`);
}
for (const line of wrong) console.error(line);
console.log(`${en.size} texts in two languages, ${modules.length} modules`);
process.exit(wrong.length ? 1 : 0);
