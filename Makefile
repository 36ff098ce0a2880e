# Guida on GNU make. Every target works from a fresh clone; `make` alone lists them.
#
# There is one build profile, release: llama.cpp is compiled once and the tests run at the product's speed.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Where rustup puts cargo, for shells that have not read its profile.
export PATH := $(PATH):$(HOME)/.cargo/bin

CARGO ?= cargo
# The address of the teller page started by `make demo`.
LISTEN ?= 127.0.0.1:8080

# The build names its target explicitly (.cargo/config.toml), so the binary lies in a folder of that name.
HOST = $(or $(CARGO_BUILD_TARGET),$(shell rustc -vV | sed -n 's/^host: //p'))
GUIDA = $(or $(CARGO_TARGET_DIR),target)/$(HOST)/release/guida

.PHONY: help
help: ## 显示本帮助
	@echo "Guida 柜答"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

.PHONY: deps
deps: ## 检查编译所需的软件,root 用户缺什么装什么
	@scripts/deps.sh build

.PHONY: build
build: deps ## 编译 guida,一个静态链接的文件
	$(CARGO) build --release --locked
	@echo "编译完成:$(GUIDA)"

.PHONY: demo
demo: build ## 问一个问题,再打开柜员页面(LISTEN=地址:端口 可改)
	@scripts/demo.sh start "$(GUIDA)" "$(LISTEN)"

.PHONY: demo-stop
demo-stop: ## 停止 make demo 启动的服务
	@scripts/demo.sh stop

.PHONY: test
test: ## 运行全部测试(另需无界面浏览器、中文字体、openssl 和 tmux)
	@scripts/deps.sh test
	$(CARGO) test --release --locked --no-fail-fast

.PHONY: check
check: deps ## 格式、静态检查、依赖的许可证与来源
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	@$(CARGO) deny --version >/dev/null 2>&1 || { \
	  echo "缺少 cargo-deny,请先运行:cargo install --locked cargo-deny" >&2; exit 1; }
	$(CARGO) deny --locked check licenses bans sources

.PHONY: advisories
advisories: ## 依赖的已知漏洞(要联网取 RustSec 数据库)
	$(CARGO) deny --locked check advisories

.PHONY: bench
bench: deps ## 运行性能测试
	$(CARGO) bench --profile release --locked --bench '*'

.PHONY: kb
kb: build ## 由 assets/knowledge 重新生成 knowledge.db
	$(GUIDA) kb build assets/knowledge --out knowledge.db

.PHONY: clean
clean: demo-stop ## 删除编译产物
	$(CARGO) clean
