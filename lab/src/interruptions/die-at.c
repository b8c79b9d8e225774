// SPDX-License-Identifier: Apache-2.0
/*
 * Preloaded (LD_PRELOAD) into a program: counts the acts by which its main thread changes files, nodes and directories,
 * starts other programs or sends them something, and kills or stops it at one of them. The program itself knows nothing of it.
 *
 *   ACTS_LOG=FILE    append every act: number, system call, path; and the lines of progress that the program prints
 *   ACTS_KILL=N      SIGKILL before act N, counted from 1
 *   ACTS_KILL=N+     SIGKILL after act N took effect
 *   ACTS_STOP=N      SIGSTOP before act N; SIGCONT lets it go on
 *
 * No headers of a C library: only a compiler is needed to build it (see acts.ts), and x86-64.
 */

typedef unsigned long size;

long syscall(long number, ...);
char *getenv(const char *name);
void *dlsym(void *handle, const char *name);

enum { WRITE = 1, OPEN = 2, CLOSE = 3, FSTAT = 5, GETPID = 39, GETSOCKOPT = 55, KILL = 62, FSYNC = 74, RENAME = 82 };
enum { MKDIR = 83, RMDIR = 84, UNLINK = 87, READLINK = 89, CHMOD = 90, CHOWN = 92, LCHOWN = 94, GETTID = 186 };
enum { SIGKILL_ = 9, SIGSTOP_ = 19, APPEND_CREATE = 02101, SOL_SOCKET_ = 1, SO_TYPE_ = 3 };

static int acts;

static char *add(char *to, const char *end, const char *text)
{
	while (*text && to < end)
		*to++ = *text++;
	return to;
}

static char *add_number(char *to, const char *end, int number)
{
	char digits[12], *at = digits + sizeof digits;
	*--at = 0;
	do
		*--at = '0' + number % 10;
	while (number /= 10);
	return add(to, end, at);
}

static void note(int number, const char *call, const char *detail)
{
	const char *path = getenv("ACTS_LOG");
	if (!path)
		return;
	char line[512], *at = line, *end = line + sizeof line - 1;
	at = add_number(at, end, number);
	at = add(add(at, end, " "), end, call);
	at = add(add(at, end, " "), end, detail);
	*at++ = '\n';
	long fd = syscall(OPEN, path, APPEND_CREATE, 0644);
	if (fd < 0)
		return;
	syscall(WRITE, fd, line, at - line);
	syscall(CLOSE, fd);
}

static void die(void)
{
	syscall(KILL, syscall(GETPID), SIGKILL_);
	for (;;)
		;
}

/* What a variable says of this act: 0 nothing, 1 before it, 2 after it. */
static int fate(const char *variable, int number)
{
	const char *text = getenv(variable);
	int at = 0;
	while (text && *text >= '0' && *text <= '9')
		at = at * 10 + *text++ - '0';
	return at != number ? 0 : *text == '+' ? 2 : 1;
}

static int is_main_thread(void)
{
	return syscall(GETPID) == syscall(GETTID);
}

/* Begins an act. Returns whether to die after it. */
static int begin(const char *call, const char *detail)
{
	if (!is_main_thread())
		return 0;
	note(++acts, call, detail);
	int when = fate("ACTS_KILL", acts);
	if (when == 1)
		die();
	if (fate("ACTS_STOP", acts))
		syscall(KILL, syscall(GETPID), SIGSTOP_);
	return when == 2;
}

static long end(int is_last, long result)
{
	if (is_last)
		die();
	return result;
}

static const char *path_of(int fd, char *buffer, size length)
{
	char link[32], *at = add(link, link + sizeof link, "/proc/self/fd/");
	*add_number(at, link + sizeof link - 1, fd) = 0;
	long got = syscall(READLINK, link, buffer, length - 1);
	buffer[got < 0 ? 0 : got] = 0;
	return buffer;
}

int fsync(int fd)
{
	char path[256];
	return end(begin("fsync", path_of(fd, path, sizeof path)), syscall(FSYNC, fd));
}

int rename(const char *from, const char *to) { return end(begin("rename", to), syscall(RENAME, from, to)); }
int unlink(const char *path) { return end(begin("unlink", path), syscall(UNLINK, path)); }
int rmdir(const char *path) { return end(begin("rmdir", path), syscall(RMDIR, path)); }
int mkdir(const char *path, unsigned mode) { return end(begin("mkdir", path), syscall(MKDIR, path, mode)); }
int chmod(const char *path, unsigned mode) { return end(begin("chmod", path), syscall(CHMOD, path, mode)); }
int chown(const char *path, unsigned uid, unsigned gid)
{
	return end(begin("chown", path), syscall(CHOWN, path, uid, gid));
}

int lchown(const char *path, unsigned uid, unsigned gid)
{
	return end(begin("lchown", path), syscall(LCHOWN, path, uid, gid));
}

int fork(void)
{
	static int (*real)(void);
	if (!real)
		real = (int (*)(void))dlsym((void *)-1L, "fork");
	int is_last = begin("fork", "");
	int pid = real();
	return pid == 0 ? 0 : (int)end(is_last, pid);
}

static int is_regular(int fd)
{
	unsigned status[36] = {0};
	return syscall(FSTAT, fd, status) == 0 && (status[6] & 0170000) == 0100000;
}

static int is_socket(int fd)
{
	int type;
	unsigned length = sizeof type;
	return syscall(GETSOCKOPT, fd, SOL_SOCKET_, SO_TYPE_, &type, &length) == 0;
}

static const char *first_line(const char *text, size length, char *line)
{
	char *at = line;
	while (at < line + 60 && length-- && *text && *text != '\n')
		*at++ = *text++;
	*at = 0;
	return line;
}

/* To a file; or to a child's standard input, which Node makes a socket. Standard output only tells how far it is. */
long write(int fd, const void *data, size length)
{
	const char *text = data;
	char detail[256];
	int is_last = 0;
	if (fd > 2 && is_regular(fd))
		is_last = begin("write", path_of(fd, detail, sizeof detail));
	else if (fd > 2 && is_socket(fd))
		is_last = begin("send", first_line(text, length, detail));
	else if (fd == 1 && length > 3 && text[2] == '[' && is_main_thread())
		note(acts, "told", first_line(text, length, detail));
	return end(is_last, syscall(WRITE, fd, data, length));
}
