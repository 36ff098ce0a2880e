#!/bin/sh
# Checks that everything Guida needs on the build machine is there; installs what is missing with apt when run as
# root, and otherwise prints the exact command and stops.
#
#   scripts/deps.sh build    to compile: Rust, a C++ compiler with static libraries, cmake, make, libclang
#   scripts/deps.sh test     the same, and a headless browser with its driver, a Chinese font, an openssl that knows
#                            SM2 (signatures are compared with its), and tmux (the console is driven in it)
#
# When nothing is missing, nothing is called but a few look-ups, so every make target can begin with it.
set -eu

PROGRAM=$(basename "$0")

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# The first existing path among the arguments, which are patterns that the shell has expanded.
any_file() {
    for file in "$@"; do
        [ -e "$file" ] && return 0
    done
    return 1
}

# Rust is not installed by us: which toolchain to trust is the owner's decision.
require_rust() {
    have cargo && have rustc && return 0
    say "缺少 Rust(1.95 或更新)。两种安装方式,任选其一:"
    say "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    say "  或解压离线安装包 rust-1.95.0-<平台>.tar.xz 后运行其中的 install.sh"
    exit 1
}

# The compiler that cmake and cargo will take.
compiler() {
    for name in "${CXX:-}" c++ g++ clang++; do
        if [ -n "$name" ] && have "${name%% *}"; then
            printf '%s\n' "$name"
            return 0
        fi
    done
    return 1
}

have_compiler() {
    have cc && compiler >/dev/null
}

# The binary is linked statically: the compiler must know where libc.a and libstdc++.a lie. A compiler that does not
# have the file echoes the bare name back.
have_static_libraries() {
    cxx=$(compiler) || return 1
    for archive in libc.a libstdc++.a; do
        # CXX may hold a launcher and a compiler ("ccache g++"), so it is split on purpose.
        # shellcheck disable=SC2086
        case $($cxx -print-file-name="$archive" 2>/dev/null) in
            */*) ;;
            *) return 1 ;;
        esac
    done
}

# Looks where the libclang loader of the build looks: the directory or file LIBCLANG_PATH alone when it is set, else
# llvm-config, LD_LIBRARY_PATH, LIBRARY_PATH and the usual directories. libclang-cpp is another library.
have_libclang() {
    if [ -n "${LIBCLANG_PATH:-}" ]; then
        # LIBCLANG_PATH may name the library itself.
        case $(basename "$LIBCLANG_PATH") in
            libclang-cpp.*) return 1 ;;
            libclang.so* | libclang-*.so*) [ -f "$LIBCLANG_PATH" ] && return 0 ;;
        esac
        libclang_in "$LIBCLANG_PATH"
        return
    fi
    if prefix=$("${LLVM_CONFIG_PATH:-llvm-config}" --prefix 2>/dev/null); then
        for dir in "$prefix/bin" "$prefix/lib" "$prefix/lib64"; do
            libclang_in "$dir" && return 0
        done
    fi
    saved_ifs=$IFS
    IFS=:
    for dir in ${LD_LIBRARY_PATH:-} ${LIBRARY_PATH:-}; do
        IFS=$saved_ifs
        if [ -n "$dir" ] && libclang_in "$dir"; then
            return 0
        fi
    done
    IFS=$saved_ifs
    for dir in /usr/local/llvm*/lib* /usr/local/lib*/*/* /usr/local/lib*/* /usr/local/lib* \
        /usr/lib*/*/* /usr/lib*/* /usr/lib*; do
        libclang_in "$dir" && return 0
    done
    return 1
}

# libclang without the compiler's own headers (a lone libclang1 package) cannot read llama.cpp's headers.
have_clang_headers() {
    # Who sets these knows where the headers are.
    [ -n "${LIBCLANG_PATH:-}${BINDGEN_EXTRA_CLANG_ARGS:-}" ] && return 0
    if prefix=$("${LLVM_CONFIG_PATH:-llvm-config}" --prefix 2>/dev/null); then
        any_file "$prefix"/lib*/clang/*/include/stddef.h && return 0
    fi
    any_file /usr/lib*/clang/*/include/stddef.h /usr/lib*/llvm*/lib*/clang/*/include/stddef.h \
        /usr/local/lib*/clang/*/include/stddef.h /usr/local/llvm*/lib*/clang/*/include/stddef.h
}

libclang_in() {
    [ -d "$1" ] || return 1
    for file in "$1"/libclang.so "$1"/libclang-*.so "$1"/libclang.so.* "$1"/libclang-*.so.*; do
        case $file in
            */libclang-cpp.*) ;;
            *) [ -f "$file" ] && return 0 ;;
        esac
    done
    return 1
}

have_chromium() {
    have chromium || have chromium-browser || have google-chrome
}

have_font() {
    if have fc-list; then
        [ -n "$(fc-list :lang=zh-cn family 2>/dev/null)" ] && return 0
    fi
    any_file /usr/share/fonts/*/*/*CJK* /usr/share/fonts/*/*CJK* /usr/share/fonts/*/*/wqy-* /usr/share/fonts/*/wqy-* \
        /usr/share/fonts/*/*SourceHan* /usr/share/fonts/*/*/*SourceHan* "${HOME:-}"/.fonts/*CJK* \
        "${HOME:-}"/.local/share/fonts/*CJK*
}

# Some distributions build openssl without SM2.
have_openssl() {
    have openssl && openssl ecparam -list_curves 2>/dev/null | grep SM2 >/dev/null
}

# What is missing, one word per need.
missing_for() {
    have_compiler || echo compiler
    have_compiler && { have_static_libraries || echo static; }
    have cmake || echo cmake
    have make || echo make
    { have_libclang && have_clang_headers; } || echo libclang
    if [ "$1" = test ]; then
        have_chromium || echo chromium
        have chromedriver || echo chromedriver
        have_font || echo font
        have_openssl || echo openssl
        have tmux || echo tmux
    fi
    return 0
}

# The packages for a list of needs under one package manager.
packages() {
    manager=$1
    shift
    for need in "$@"; do
        case $manager:$need in
            apt:compiler) echo g++ ;;
            apt:static) echo libc6-dev g++ ;;
            apt:libclang) echo libclang-dev ;;
            apt:chromium) echo chromium ;;
            apt:chromedriver) echo chromium-driver ;;
            apt:font) echo fonts-wqy-microhei ;;
            rpm:compiler) echo gcc-c++ glibc-static libstdc++-static ;;
            rpm:static) echo glibc-static libstdc++-static ;;
            rpm:libclang) echo clang-devel ;;
            rpm:font) echo wqy-microhei-fonts ;;
            zypper:compiler) echo gcc-c++ glibc-devel-static ;;
            zypper:static) echo glibc-devel-static gcc-c++ ;;
            zypper:libclang) echo clang-devel ;;
            zypper:font) echo wqy-microhei-fonts ;;
            *) echo "$need" ;;
        esac
    done | tr '\n' ' '
}

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    options="-o Acquire::Retries=3 -o DPkg::Lock::Timeout=300"
    attempt=1
    while :; do
        # A third-party source that does not answer must not stop us: whether the packages can be had decides.
        # shellcheck disable=SC2086
        apt-get $options update -q || say "apt-get update 没有完全成功,继续尝试安装。"
        # shellcheck disable=SC2086
        if apt-get $options install -q -y --no-install-recommends "$@" </dev/null; then
            return 0
        fi
        [ "$attempt" -ge 3 ] && return 1
        say "安装失败(第 $attempt 次),$((attempt * 5)) 秒后重试。"
        sleep $((attempt * 5))
        attempt=$((attempt + 1))
    done
}

require_packages() {
    level=$1
    # No package can mend a wrong path, so this is told apart from a missing library.
    if [ -n "${LIBCLANG_PATH:-}" ] && ! have_libclang; then
        say "LIBCLANG_PATH=$LIBCLANG_PATH 里没有 libclang.so;请改正或取消这个环境变量。"
        exit 1
    fi
    # Needs are single words; they are split on purpose here and below.
    # shellcheck disable=SC2046
    set -- $(missing_for "$level")
    [ $# -eq 0 ] && return 0

    say "缺少:$*"
    if have apt-get; then
        # shellcheck disable=SC2046
        set -- $(packages apt "$@")
        if [ "$(id -u)" -eq 0 ]; then
            say "以 root 身份安装:$*"
            if apt_install "$@"; then
                left=$(missing_for "$level" | tr '\n' ' ')
                [ -z "$left" ] && return 0
                say "安装后仍缺少:$left"
                exit 1
            fi
            say "自动安装没有成功。检查网络或软件源后,手工运行:"
        else
            say "请运行下面的命令(需要管理员权限),然后重新执行刚才的 make:"
        fi
        say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
        exit 1
    fi

    say "请以管理员身份运行下面的命令,然后重新执行刚才的 make:"
    if have dnf; then
        say "  sudo dnf install -y $(packages rpm "$@")"
    elif have yum; then
        say "  sudo yum install -y $(packages rpm "$@")"
    elif have zypper; then
        say "  sudo zypper install -y $(packages zypper "$@")"
    else
        say "  (没有认出本机的包管理器)Debian 系的包名:$(packages apt "$@")"
        say "                            RPM 系的包名:$(packages rpm "$@")"
    fi
    exit 1
}

case ${1:-} in
    build | test)
        require_rust
        require_packages "$1"
        ;;
    *)
        say "用法:$PROGRAM build|test"
        exit 2
        ;;
esac
