// A server for the page, on loopback: its files, descriptions from the real binary, and the binary's verdicts.

const { execFile } = require("node:child_process");
const { readFileSync } = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const esbuild = require("esbuild");

const PAGE = path.join(__dirname, "../page");

/** Runs the binary; what it prints on standard output is JSON, whatever it thinks of its input. */
function run(binary, args, input = "") {
  return new Promise((resolve, reject) => {
    const child = execFile(binary, args, { maxBuffer: 1 << 24 }, (error, stdout) => {
      try {
        resolve(JSON.parse(stdout));
      } catch {
        reject(error ?? new Error(`${args[0]} printed no JSON`));
      }
    });
    // A command that reads no input may have ended already.
    child.stdin.on("error", () => {}).end(input);
  });
}

async function bundle() {
  const built = await esbuild.build({
    entryPoints: [path.join(PAGE, "main.jsx")],
    nodePaths: process.env.NODE_PATH.split(path.delimiter),
    bundle: true,
    write: false,
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
  });
  return built.outputFiles[0].text;
}

function body(request) {
  return new Promise((resolve, reject) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    request.on("end", () => resolve(text)).on("error", reject);
  });
}

/** Starts it. `verdicts` is called with each configuration that the page had judged, and the verdict on it. */
async function start(binary, verdicts) {
  const files = {
    "/page.js": ["text/javascript", await bundle()],
    "/page.css": ["text/css", readFileSync(path.join(PAGE, "page.css"))],
  };
  const html = readFileSync(path.join(PAGE, "index.html"));

  async function answer(request) {
    const [, what, id] = request.url.split("/");
    if (files[request.url]) return files[request.url];
    if (what === "set-up") return ["text/html", html];
    if (what === "description") return ["application/json", JSON.stringify(await run(binary, ["describe", id, "--json"]))];
    if (what === "validation") {
      const config = await body(request);
      const verdict = await run(binary, ["validate", id, "--config", "-", "--json"], config);
      verdicts({ config: JSON.parse(config), verdict });
      return ["application/json", JSON.stringify(verdict)];
    }
    return null;
  }

  const server = http.createServer((request, response) => {
    const refuse = (status, why) => response.writeHead(status).end(why);
    const give = (found) =>
      found ? response.writeHead(200, { "content-type": `${found[0]}; charset=utf-8` }).end(found[1]) : refuse(404, "");
    answer(request).then(give, (error) => refuse(500, String(error)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

module.exports = { run, start };
