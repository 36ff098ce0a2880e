#!/bin/sh
# The demonstration behind `make demo`: one answer on the command line, then the teller page in the background.
#
#   scripts/demo.sh start GUIDA ADDRESS:PORT    ask, start the server (again, if an earlier demo runs), print its address
#   scripts/demo.sh stop                        stop the server
set -eu

cd "$(dirname "$0")/.."
DIR=target/demo
PID_FILE=$DIR/guida.pid
LOG=$DIR/guida.log
QUESTION="身份证过期三个月,卡还能取钱吗"
# Ticks of a tenth of a second: how long the server may take to start, and to stop.
START_TICKS=300
STOP_TICKS=100

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# The process id of our own server if it runs. A number that the system has given to another program since is not it.
running() {
    [ -f "$PID_FILE" ] || return 1
    pid=$(cat "$PID_FILE")
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    # After a new build the running file is a deleted one, which the link says behind the name.
    case $(readlink "/proc/$pid/exe" 2>/dev/null) in
        */guida | */guida\ \(deleted\)) printf '%s\n' "$pid" ;;
        *) return 1 ;;
    esac
}

stop() {
    if pid=$(running); then
        kill "$pid" 2>/dev/null || :
        ticks=0
        while running >/dev/null; do
            ticks=$((ticks + 1))
            if [ "$ticks" -ge "$STOP_TICKS" ]; then
                kill -9 "$pid" 2>/dev/null || :
                break
            fi
            sleep 0.1
        done
        say "已停止先前的演示服务(进程 $pid)。"
    fi
    rm -f "$PID_FILE"
}

# Whether a server answers on the address: by what the machine has, curl or bash; 2 when it has neither.
ready() {
    if command -v curl >/dev/null 2>&1; then
        curl -fsS --noproxy '*' -m 2 -o /dev/null "http://$1/readyz" 2>/dev/null || return 1
    elif command -v bash >/dev/null 2>&1; then
        bash -c '
            exec 3<>"/dev/tcp/${1%:*}/${1##*:}" || exit 1
            printf "GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" "$1" >&3
            read -r -t 2 _ status _ <&3 && [ "$status" = 200 ]
        ' ready "$1" 2>/dev/null || return 1
    else
        return 2
    fi
}

start() {
    guida=$1
    listen=$2
    [ -x "$guida" ] || fail "找不到程序 $guida;先运行 make build。"
    [ -f knowledge.db ] || fail "找不到 knowledge.db;先运行 make kb。"
    mkdir -p "$DIR"

    say ""
    say "问:$QUESTION"
    "$guida" ask "$QUESTION" --kb knowledge.db </dev/null

    say ""
    stop
    : >"$LOG"
    # setsid: the server outlives this shell and the terminal it was started from.
    setsid "$guida" serve --listen "$listen" --kb knowledge.db </dev/null >"$LOG" 2>&1 &
    server=$!
    printf '%s\n' "$server" >"$PID_FILE"

    ticks=0
    until announced=$(sed -n 's/^listening \(http:.*\)$/\1/p' "$LOG") && [ -n "$announced" ]; do
        if ! kill -0 "$server" 2>/dev/null; then
            rm -f "$PID_FILE"
            cat "$LOG" >&2
            fail "服务没有启动起来(上面是它的话)。若 $listen 已被别的程序占用,换一个:make demo LISTEN=127.0.0.1:8081"
        fi
        ticks=$((ticks + 1))
        if [ "$ticks" -ge "$START_TICKS" ]; then
            stop
            cat "$LOG" >&2
            fail "服务在 $((START_TICKS / 10)) 秒内没有就绪,已停止(上面是它的话)。"
        fi
        sleep 0.1
    done

    # It has bound its address; now it must also answer with knowledge loaded.
    while :; do
        ready "${announced#http://}" && break
        # Neither curl nor bash here: the announcement has to do.
        [ $? -eq 2 ] && break
        ticks=$((ticks + 1))
        if [ "$ticks" -ge "$START_TICKS" ] || ! kill -0 "$server" 2>/dev/null; then
            stop
            cat "$LOG" >&2
            fail "服务没有回答 $announced/readyz,已停止(上面是它的话)。"
        fi
        sleep 0.1
    done

    say "柜员页面:  $announced"
    say "停止服务:  make demo-stop"
    say "运行日志:  $LOG"
}

case ${1:-} in
    start)
        [ $# -eq 3 ] || fail "用法:demo.sh start 程序 地址:端口"
        start "$2" "$3"
        ;;
    stop) stop ;;
    *) fail "用法:demo.sh start 程序 地址:端口 | stop" ;;
esac
