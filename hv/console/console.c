/* SPDX-License-Identifier: MIT */
/*
 * Where log lines go: a ring in memory that the control domain can read, and
 * one device, the first UART unless the command line says otherwise.
 */
#include "hv/console/console.h"
#include "hv/cpu/asm.h"
#include "hv/lib/spinlock.h"
#include "hv/lib/string.h"

#define LOG_SIZE (64 * 1024)

enum {
	UART_DATA,
	UART_IER,
	UART_FCR,
	UART_LCR,
	UART_MCR,
	UART_LSR
};
#define LSR_RX_READY 0x01
#define IER_RX       0x01
#define MCR_READY    0x0b /* DTR, RTS, and OUT2, which gates the interrupt */
#define LSR_TX_EMPTY 0x20
#define UART_SPINS   100000

static spinlock_t console_lock = SPINLOCK_INIT(RUNG_CONSOLE);
static char log_ring[LOG_SIZE];
static uint64_t log_head; /* bytes written since boot */
static enum log_level log_threshold = LOG_INFO;
static uint16_t uart = 0x3f8;
static bool debug_port;
static uint64_t guest_budget_tsc;
static unsigned int guest_budget;

void console_boot(void)
{
	if (!uart)
		return;
	outb(uart + UART_IER, 0);
	outb(uart + UART_LCR, 0x80);
	outb(uart + UART_DATA, 1); /* 115200 baud */
	outb(uart + UART_IER, 0);
	outb(uart + UART_LCR, 3); /* 8 bits, no parity, 1 stop bit */
	outb(uart + UART_FCR, 7);
	outb(uart + UART_MCR, MCR_READY);
	if (inb(uart + UART_LSR) == 0xff)
		uart = 0; /* nothing there */
}

int console_set_device(const char *name)
{
	uint16_t port = 0;

	debug_port = !strcmp(name, "debug");
	if (!strcmp(name, "com1"))
		port = 0x3f8;
	else if (!strcmp(name, "com2"))
		port = 0x2f8;
	else if (strcmp(name, "none") && !debug_port)
		return -1;
	uart = port;
	console_boot();
	return 0;
}

int log_set_level(const char *name)
{
	static const char *const names[] = {"err", "warn", "info", "debug"};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]))
			continue;
		log_threshold = i;
		return 0;
	}
	return -1;
}

void console_listen(void)
{
	if (uart)
		outb(uart + UART_IER, IER_RX);
}

uint16_t console_ports(void)
{
	return uart;
}

static void device_putc(char c)
{
	if (debug_port)
		outb(0xe9, c);
	if (!uart)
		return;
	for (int i = 0; i < UART_SPINS; i++)
		if (inb(uart + UART_LSR) & LSR_TX_EMPTY)
			break;
	outb(uart + UART_DATA, c);
}

static void device_write(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			device_putc('\r');
		device_putc(text[i]);
	}
}

void console_write(const char *text, size_t n)
{
	spin_lock(&console_lock);
	device_write(text, n);
	spin_unlock(&console_lock);
}

int console_getc(void)
{
	if (!uart || !(inb(uart + UART_LSR) & LSR_RX_READY))
		return -1;
	return inb(uart + UART_DATA);
}

static void ring_write(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		log_ring[log_head++ % LOG_SIZE] = text[i];
}

size_t log_read(char *to, size_t size, uint64_t from, uint64_t *next)
{
	uint64_t oldest;
	size_t n = 0;

	spin_lock(&console_lock);
	oldest = log_head > LOG_SIZE ? log_head - LOG_SIZE : 0;
	from = max(from, oldest);
	for (; n < size && from < log_head; n++)
		to[n] = log_ring[from++ % LOG_SIZE];
	spin_unlock(&console_lock);
	*next = from;
	return n;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[256] = "(parapet) ";
	size_t used = strlen(line);
	va_list ap;

	if (level > log_threshold)
		return;
	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);
	va_end(ap);
	used = strlen(line);
	line[used++] = '\n';
	spin_lock(&console_lock);
	ring_write(line, used);
	device_write(line, used);
	spin_unlock(&console_lock);
}

/* Ten lines for each 2^32 ticks of the TSC, about one or two seconds. */
bool log_guest_allowed(void)
{
	uint64_t period = rdtsc() >> 32;

	if (log_threshold < LOG_DEBUG)
		return false;
	if (READ_ONCE(guest_budget_tsc) != period) {
		WRITE_ONCE(guest_budget_tsc, period);
		WRITE_ONCE(guest_budget, 10);
	}
	if (!READ_ONCE(guest_budget))
		return false;
	atomic_fetch_sub(&guest_budget, 1);
	return true;
}
